"""``create_first_operator``: gives a new deployment its first sign-in, and changes no old one."""

import io
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db

PASSWORD = "a long and unusual passphrase"


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "operator_password"
    file.write_text(PASSWORD + "\n")
    return file


def create(file: Path, username: str = "admin") -> str:
    output = io.StringIO()
    call_command("create_first_operator", username=username, password_file=str(file), stdout=output)
    return output.getvalue()


def test_first_operator_can_sign_in(password_file: Path, rf) -> None:
    assert create(password_file) == "operator admin was created\n"
    user = authenticate(rf.post("/admin/login/"), username="admin", password=PASSWORD)
    assert user is not None
    assert user.is_superuser


def test_first_operator_is_not_created_beside_another(password_file: Path) -> None:
    create(password_file)
    assert create(password_file, "second") == "an operator exists: nothing was changed\n"
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize(
    ("password", "problem"), [("short", "too short"), ("password1234", "too common")]
)
def test_first_operator_with_a_weak_password_is_refused(
    tmp_path: Path, password: str, problem: str
) -> None:
    file = tmp_path / "password"
    file.write_text(password)
    with pytest.raises(CommandError, match=f"^argument --password-file: .*{problem}"):
        create(file)
    assert not get_user_model().objects.exists()


def test_first_operator_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be read"):
        create(tmp_path / "absent")
