"""A course: rosters as they come, and the secret that variants are keyed with."""

import os

import pytest

from generator.course import RosterError, Student, read_roster, secret, usual_secret

ROSTERS = [  # text, students
    ("student,name\nada,Ada Lovelace\nalan,\n", [Student("ada", "Ada Lovelace"), Student("alan")]),
    ("\ufeffstudent;name\r\nada;Lovelace, Ada\r\n", [Student("ada", "Lovelace, Ada")]),
    ("registration;name;id\n0815;Ada Lovelace;ada\n", [Student("0815", "Ada Lovelace")]),
    (
        "First name,Surname,ID number,Email address\nAda,Lovelace,0815,a@b.c\nAlan,Turing,,t@b.c\n",
        [Student("0815", "Ada Lovelace"), Student("t@b.c", "Alan Turing")],
    ),
    (
        'Student,ID,SIS User ID,SIS Login ID,Section,Quiz 1 (17)\n    Points Possible,,,,,10\n"Lovelace, Ada",17,0815,ada,S1,\n',
        [Student("ada", "Lovelace, Ada")],
    ),
    ("student\tname\nada\tAda\n\n", [Student("ada", "Ada")]),
]


@pytest.mark.parametrize(("text", "students"), ROSTERS)
def test_a_roster_is_read_as_it_comes(text, students):
    assert read_roster(text) == students


BAD = [
    ("", "found nothing, allowed: a line of column names"),
    ("who,what\nada,1\n", "line 1: found the columns who, what, allowed: a column student"),
    ("student,name\n", "found no student"),
    ("student,name\nada,Ada\nada,Ada\n", "line 3: found 'ada' again, allowed: each student once"),
    ("student,name\n,Ada\n", "line 2: found '', allowed: up to 200 printable characters"),
    ('student,name\nada,"Ada\n', "found a line that is not CSV"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_a_roster_that_cannot_be_used_says_where(text, said):
    with pytest.raises(RosterError) as error:
        read_roster(text)
    assert said in str(error.value)


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "settings" / "secret"
    first, made = secret(path)
    assert made
    assert len(first) == 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret(path) == (first, False)


def test_what_is_too_short_is_no_secret(tmp_path):
    (tmp_path / "secret").write_text("abc")
    with pytest.raises(ValueError, match="found 3 bytes, allowed: a secret of at least 32"):
        secret(tmp_path / "secret")


def test_it_is_kept_with_the_settings(monkeypatch, tmp_path):
    monkeypatch.setitem(os.environ, "XDG_CONFIG_HOME", str(tmp_path))
    assert usual_secret() == tmp_path / "chainwork" / "secret"
