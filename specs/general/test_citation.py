"""How should I cite Keras?"""

from fixtures.citation import about, addresses, parse, plain, release
from fixtures.claims import claim

ENTRY = r"""
@misc{chollet2015keras,
    title = {Keras},
    author = {Chollet, Fran{\c{c}}ois and others},
    year = {2015},
    publisher = {GitHub},
    howpublished = {\url{https://github.com/fchollet/keras}},
}
"""
REPOSITORY = "github.com/keras-team/keras"
OF_ITS_OWN = ["keras", "tf.keras>=2.6,<2.16"]


@claim(OF_ITS_OWN, AssertionError, "test_the_package_is_another", answers=["1.1", "1.2"])
def test_the_title_is_the_name_of_the_package(keras, evidence):
    """The entry has an author, a title, a year, a publisher and a URL, and its title is the name of the installed package."""
    entry = parse(ENTRY)
    evidence("BibTeX", ENTRY.strip())
    assert {"author", "title", "year", "publisher", "howpublished"} <= set(entry)
    assert entry["title"] == about(keras)["Name"].title()


@claim(["tf.keras<2.6", "tf.keras>=2.16"], AssertionError, "test_the_repository_has_moved", answers=["1.2"])
def test_the_package_is_another(keras, evidence):
    """The code is in a package of another name and repository: TensorFlow's before TensorFlow 2.6, `tf_keras` since 2.16."""
    evidence("package", about(keras)["Name"])
    evidence("URLs in the metadata", addresses(about(keras)))
    assert about(keras)["Name"].title() != parse(ENTRY)["title"]
    assert not any(REPOSITORY in url for url in addresses(about(keras)))


@claim(["keras<3"], AssertionError, ["test_the_package_names_the_keras_team", "test_the_package_names_google"], answers=["1.2"])
def test_the_author_is_the_package_s(keras):
    """The entry's first author is the one that the installed package names."""
    family, given = plain(parse(ENTRY)["author"]).split(" and ")[0].split(", ")
    assert about(keras)["Author"] == f"{given} {family}"


@claim(
    ["keras>=3", "tf.keras>=2.7"],
    AssertionError,
    ["test_the_author_is_the_package_s", "test_the_package_names_google"],
    answers=["1.2"],
)
def test_the_package_names_the_keras_team(keras):
    """The installed package names the Keras team as its author, and not the entry's."""
    said = about(keras)
    assert "Keras team" in (said["Author"] or said["Author-email"])
    assert "Chollet" not in str(said["Author"]) + str(said["Author-email"])


@claim(
    ["tf.keras<2.7"],
    AssertionError,
    ["test_the_author_is_the_package_s", "test_the_package_names_the_keras_team"],
    answers=["1.2"],
)
def test_the_package_names_google(keras):
    """The installed package names Google as its author, and not the entry's."""
    assert about(keras)["Author"] == "Google Inc."


@claim([], AssertionError, ["test_the_repository_has_moved", "test_the_package_is_another"], answers=["1.2"])
def test_the_url_is_the_package_s(keras):
    """The entry's URL is among those that the installed package names."""
    assert plain(parse(ENTRY)["howpublished"]) in addresses(about(keras))


@claim(OF_ITS_OWN, AssertionError, "test_the_package_is_another", answers=["1.2"])
def test_the_repository_has_moved(keras, evidence):
    """The package points to github.com/keras-team/keras; the entry of 2018 names github.com/fchollet/keras."""
    evidence("URLs in the metadata", addresses(about(keras)))
    assert any(REPOSITORY in url for url in addresses(about(keras)))
    assert "github.com/fchollet/keras" in parse(ENTRY)["howpublished"]


@claim(answers=["1.1", "1.2"])
def test_an_entry_is_made_of_the_metadata(keras, evidence):
    """Example: an entry for the release that was used: title, author and version are what the package says."""
    said = about(keras)
    author = said["Author"] or said["Author-email"].partition(" <")[0]
    entry = (
        f"@software{{keras-{said['Version']},\n"
        f"    title = {{{said['Name'].title()}}},\n    author = {{{{{author}}}}},\n    version = {{{said['Version']}}},\n"
        f"    url = {{https://{REPOSITORY}}},\n}}"
    )
    evidence("BibTeX", entry)
    assert parse(entry)["key"] == f"keras-{release(keras)}"
    assert {"title", "author", "version", "url"} <= set(parse(entry))
