"""Where submissions are examined: by processes of this computer, or by the workers of a dask cluster.

Both give back (learner, what came of it) in whatever order it comes, and only this process writes anything down.
"""

import select

from classroom.course import ClassroomError
from classroom.examiner import Examiner, quarantined

ATTEMPTS = 2  # at a submission on which an examining process died


def engine_of(name, setup, workers, scheduler):
    """The engine called `name`, with its jails standing and tried."""
    if name == "local":
        return Local(setup, workers)
    if name == "dask":
        if not scheduler:
            raise ClassroomError("name the cluster with --scheduler ADDRESS, such as tcp://10.0.0.1:8786")
        from classroom.cluster import Cluster

        return Cluster(setup, scheduler)
    raise ClassroomError(f"there is no engine '{name}': there are local and dask")


class Local:
    """So many examining processes on this computer."""

    def __init__(self, setup, workers):
        self.setup = setup
        self.examiners = []
        try:
            self.examiners += [Examiner(setup) for _ in range(workers)]
            layers = [examiner.ready() for examiner in self.examiners]
            self.layers = layers[0]
        except BaseException:
            self.close()
            raise

    def examine(self, learners, read):
        """Yield (learner, outcome) for each; `read(learner)` gives its files, or says why there are none."""
        waiting, busy, idle = [(learner, 1) for learner in reversed(learners)], {}, list(self.examiners)
        while waiting or busy:
            while waiting and idle:
                learner, attempt = waiting.pop()
                files = read(learner)
                if isinstance(files, str):
                    yield learner, quarantined(files)
                    continue
                examiner = idle.pop()
                busy[examiner] = (learner, attempt)
                examiner.send(learner, files)
            for examiner in select.select(list(busy), [], [])[0] if busy else []:
                learner, attempt = busy.pop(examiner)
                try:
                    yield learner, examiner.receive()
                except ClassroomError as error:
                    if error.exit_code == 3:
                        raise
                    examiner = self._replace(examiner)
                    if attempt < ATTEMPTS:
                        waiting.append((learner, attempt + 1))
                    else:
                        yield learner, quarantined(f"it could not be graded: {error}", fault=True)
                idle.append(examiner)

    def _replace(self, examiner):
        self.examiners.remove(examiner)
        examiner.close()
        fresh = Examiner(self.setup)
        self.examiners.append(fresh)
        fresh.ready()
        return fresh

    def close(self):
        for examiner in self.examiners:
            examiner.close()
