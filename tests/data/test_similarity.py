"""The ratings and the analogies: as many as their papers say, whole, and in lower case."""

import pytest

from seq2bert.data import catalog, similarity
from seq2bert.files import CourseError


@pytest.mark.parametrize(("name", "size"), [("simlex999", 999), ("wordsim353", 353)])
def test_every_pair_has_a_rating_between_0_and_10(name, size):
    pairs = similarity.rated_pairs(name)
    assert len(pairs) == size
    assert all(
        0 <= rating <= 10 and first == first.lower() and second == second.lower() for first, second, rating in pairs
    )
    assert catalog.status(name) == "ok"


def test_the_two_ask_different_things():
    simlex, wordsim = (
        {frozenset(words): rating for *words, rating in similarity.rated_pairs(name)}
        for name in ("simlex999", "wordsim353")
    )
    assert simlex[frozenset(("coast", "shore"))] > 8 > 4 > simlex[frozenset(("clothes", "closet"))]
    assert wordsim[frozenset(("bread", "butter"))] > 6


def test_there_are_19544_analogies_in_14_categories():
    analogies = similarity.analogies()
    assert len(analogies) == 14
    assert sum(map(len, analogies.values())) == 19_544
    assert sum(len(analogies[category]) for category in similarity.SEMANTIC) == 8_869
    assert all(category.startswith("gram") for category in analogies.keys() - set(similarity.SEMANTIC))
    assert ("athens", "greece", "oslo", "norway") in analogies["capital-common-countries"]
    assert all(len(question) == 4 for asked in analogies.values() for question in asked)


def test_a_set_that_is_none_is_named():
    with pytest.raises(CourseError, match="no data set 'men'"):
        similarity.rated_pairs("men")
