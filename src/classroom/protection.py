"""Settings that keep nbgrader's own commands and pages from running what learners wrote. Light: it imports nothing."""


def protect(config):
    """Take these settings into a traitlets config, as in nbgrader_config.py:

        from classroom.protection import protect
        protect(c)

    nbgrader's autograde then stops before it touches a file, on the command line and in the formgrader, and so does
    its feedback, which would show hidden tests. The formgrader shows learners' texts and outputs without running them.
    """
    grade, feedback = "classroom.formgrader.RunClassroomGrade", "classroom.formgrader.RunClassroomFeedback"
    config.Autograde.exporter_class = grade
    config.Autograde.sanitize_preprocessors = [grade]
    config.Autograde.autograde_preprocessors = [grade]
    config.GenerateFeedback.exporter_class = feedback
    config.GenerateFeedback.preprocessors = [feedback]
    config.HTMLExporter.preprocessors = ["classroom.safe.SafeNotebook"]
    config.HTMLExporter.filters = {"markdown2html": "classroom.formgrader.markdown"}
    return config
