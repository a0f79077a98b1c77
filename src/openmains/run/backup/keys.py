# SPDX-License-Identifier: Apache-2.0
"""With what a backup is sealed and opened: keys of age, or a passphrase, from files or from a person."""

import argparse
import getpass
import os
import sys
from pathlib import Path

from openmains.edges.backup.age import IDENTITY, AgeError, Identity, Passphrase, PublicKey, Recipient, SecretKey
from openmains.run.engines.child import StartError
from openmains.run.messages import text
from openmains.run.secret_files import write_private

LEAST_LETTERS = 12


def add_seal_arguments(parser: argparse.ArgumentParser) -> None:
    """``--recipient``, ``--recipients-file``."""
    parser.add_argument(
        "--recipient",
        action="append",
        default=[],
        metavar="age1…",
        help=text("收件公钥(可多个)", "public key, repeatable"),
    )
    parser.add_argument(
        "--recipients-file", type=Path, metavar="FILE", help=text("公钥文件,每行一个", "public keys, one a line")
    )


def add_open_arguments(parser: argparse.ArgumentParser) -> None:
    """``--identity``, ``--passphrase-file``."""
    parser.add_argument(
        "--identity",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help=text("私钥文件", "file with the secret key"),
    )
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help=text("口令文件(首行);- 为标准输入", "passphrase, first line; - standard input"),
    )


def recipients(args: argparse.Namespace) -> list[Recipient]:
    """For whom it is sealed; asks for a passphrase where nothing was given. Raises StartError."""
    words = list(args.recipient)
    if args.recipients_file:
        words += _lines(args.recipients_file)
    if words and args.passphrase_file:
        raise StartError(
            "公钥与口令只能选一种。",
            "give public keys or a passphrase, not both: a file for a passphrase has one recipient.",
        )
    if words:
        try:
            return [PublicKey.of(word) for word in words]
        except AgeError as error:
            raise StartError(f"公钥无效:{error}。", f"not a public key: {error}.") from error
    if args.recipients_file:
        raise StartError(f"{args.recipients_file} 中没有公钥。", f"{args.recipients_file} holds no public key.")
    return [Passphrase(_passphrase(args, twice=True))]


def identities(args: argparse.Namespace) -> list[Identity]:
    """What opens it; asks for a passphrase where nothing was given. Raises StartError."""
    found: list[Identity] = []
    for path in args.identity:
        keys = [line for line in _lines(path) if line.lower().startswith(IDENTITY)]
        if not keys:
            raise StartError(f"{path} 中没有私钥。", f"{path} holds no secret key.")
        try:
            found += [SecretKey.of(key) for key in keys]
        except AgeError as error:
            raise StartError(f"{path}:{error}。", f"{path}: {error}.") from error
    if args.passphrase_file or not found:
        found.append(Passphrase(_passphrase(args, twice=False)))
    return found


def make_key(path: Path) -> PublicKey:
    """A new pair: the secret one into a file that must not be there, the public one is returned; raises StartError."""
    if path.exists():
        raise StartError(f"{path} 已存在,不覆盖。", f"{path} is there already and is not written over.")
    key = SecretKey(os.urandom(32))
    try:
        write_private(path, f"# public key: {key.public}\n{key.text}\n")
    except OSError as error:
        raise StartError(f"无法写入 {path}:{error.strerror}", f"cannot write {path}: {error.strerror}") from error
    return key.public


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"无法读取 {path}:{error}", f"cannot read {path}: {error}") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _first_line(path: Path) -> str:
    """As it is: a passphrase may begin with any sign."""
    if str(path) == "-":
        return sys.stdin.readline().rstrip("\r\n")
    try:
        return path.read_text("utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"无法读取 {path}:{error}", f"cannot read {path}: {error}") from error


def _passphrase(args: argparse.Namespace, *, twice: bool) -> str:
    if args.passphrase_file is not None:
        given = _first_line(args.passphrase_file)
    elif sys.stdin.isatty():
        given = getpass.getpass(text("备份口令:", "passphrase of the backup: "))
        if twice and given != getpass.getpass(text("再输入一次:", "once more: ")):
            raise StartError("两次输入不同。", "the two differ.")
    else:
        raise StartError(
            "请用 --recipient 给出公钥,或用 --passphrase-file 给出口令;打开时用 --identity。",
            "give a public key with --recipient, or --passphrase-file; to open, --identity or --passphrase-file.",
        )
    if twice and len(given) < LEAST_LETTERS:
        raise StartError(
            f"口令至少 {LEAST_LETTERS} 个字符:备份中含全部密钥。",
            f"the passphrase needs {LEAST_LETTERS} characters or more: the backup holds all keys.",
        )
    if not given:
        raise StartError("口令为空。", "the passphrase is empty.")
    return given
