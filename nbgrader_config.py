"""How nbgrader sees this course. `classroom` reads this file; so does nbgrader's own command."""

from classroom.protection import protect

c = get_config()  # noqa: F821  (traitlets defines it)
protect(c)  # nbgrader's own autograde would run learners' code as it is: `classroom grade` locks it in

# solutions/NN_slug/slug.ipynb is edited by hand, exercises/NN_slug/slug.ipynb is generated from it.
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"

# What a learner's code may import when it is graded, besides installed packages. Each assignment's notebook lists, as
# classroom.withheld in its metadata, the modules of it that hold the answers.
c.Classroom.library = ["src/seq2bert"]

c.ClearSolutions.code_stub = {
    "python": 'raise NotImplementedError("write your code here and delete this line")',
}
c.ClearSolutions.text_stub = "*Write your answer here.*"
