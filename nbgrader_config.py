"""How nbgrader sees this course. `classroom` reads this file; so does nbgrader's own command."""

c = get_config()  # noqa: F821  (traitlets defines it)

# solutions/NN_slug/slug.ipynb is edited by hand, exercises/NN_slug/slug.ipynb is generated from it.
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"

c.ClearSolutions.code_stub = {
    "python": 'raise NotImplementedError("write your code here and delete this line")',
}
c.ClearSolutions.text_stub = "*Write your answer here.*"
