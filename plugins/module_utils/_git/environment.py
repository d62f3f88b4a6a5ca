# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment that Git runs in here: nobody's configuration, no questions, secrets in variables only."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Mapping, MutableMapping, Sequence

from ansible_collections.imagefleet.dify.plugins.module_utils._git.archive import FIXED_TIME, IDENTITY
from ansible_collections.imagefleet.dify.plugins.module_utils._git.source import Source

# How a server is reached and trusted is the machine's business. Everything else named GIT_… could change the result:
# a GIT_DIR inherited from a hook, a GIT_CONFIG_PARAMETERS, a replaced object.
_INHERITED = (
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_NO_VERIFY",
    "GIT_SSL_VERSION",
    "GIT_PROXY_SSL_CAINFO",
    "GIT_PROXY_SSL_CERT",
    "GIT_PROXY_SSL_KEY",
    "GIT_HTTP_PROXY_AUTHMETHOD",
    "GIT_HTTP_USER_AGENT",
    "GIT_EXEC_PATH",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
)

_CONFIG = """\
[safe]
\tdirectory = *
[core]
\tautocrlf = false
\thooksPath = /dev/null
\tattributesFile = /dev/null
\texcludesFile = /dev/null
\tfsmonitor = false
\tuntrackedCache = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[http]
\tlowSpeedLimit = 1
\tlowSpeedTime = 60
"""


@dataclass(frozen=True)
class SshAccess:
    """How to reach servers by ssh.

    :param key_file: private key; None for those that ssh finds itself.
    :param known_hosts: file with the servers' keys; None for the user's own.
    :param timeout: seconds to wait for a connection.
    """

    key_file: str | None
    known_hosts: str | None
    timeout: int


def remove_inherited(environment: MutableMapping[str, str]) -> None:
    """Take out of ``environment`` (the process's own) what would change what Git does, and all askpass programs."""
    for name in list(environment):
        if (name.startswith("GIT_") and name not in _INHERITED) or name == "SSH_ASKPASS":
            del environment[name]


def config_file(sources: Sequence[Source], allowed_signers: str | None) -> str:
    """What stands in for the user's configuration file. It holds no secret: helpers take them from variables.

    A file, as Git hands settings of the environment not on to the process that serves a local repository, which checks
    ``safe.directory`` itself. Credentials are bound to the server that they were given for.
    """
    text = _CONFIG
    if allowed_signers:
        text += f'[gpg "ssh"]\n\tallowedSignersFile = {_quote(allowed_signers)}\n'
    for number, source in enumerate(sources):
        if source.credentials:
            helper = (
                f'!f() {{ test "$1" = get && printf "username=%s\\npassword=%s\\n" '
                f'"$IMAGEFLEET_GIT_USERNAME_{number}" "$IMAGEFLEET_GIT_PASSWORD_{number}"; }}; f'
            )
            text += f"[credential {_quote(source.server)}]\n\thelper = {_quote(helper)}\n"
    return text


def git_environment(
    config: str, sources: Sequence[Source], ssh: SshAccess, inherited: Mapping[str, str]
) -> Mapping[str, str]:
    """Variables for every call of Git.

    :param config: path of what :func:`config_file` says.
    :param inherited: the process's own; an ssh program that the user has set there stays, unless ``ssh`` says more.
    """
    name, email = IDENTITY
    date = f"{FIXED_TIME} +0000"
    environment = {
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": config,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": email,
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": email,
        "GIT_COMMITTER_DATE": date,
    }
    if ssh.key_file or ssh.known_hosts or not inherited.keys() & {"GIT_SSH", "GIT_SSH_COMMAND"}:
        environment["GIT_SSH_COMMAND"] = ssh_command(ssh)
    for number, source in enumerate(sources):
        if source.credentials:
            environment[f"IMAGEFLEET_GIT_USERNAME_{number}"] = source.credentials.username
            environment[f"IMAGEFLEET_GIT_PASSWORD_{number}"] = source.credentials.password
    return environment


def ssh_command(ssh: SshAccess) -> str:
    """The value of ``GIT_SSH_COMMAND``, which Git gives to a shell: it never asks, and gives up."""
    options = ["BatchMode=yes", f"ConnectTimeout={ssh.timeout}", "ServerAliveInterval=15", "ServerAliveCountMax=4"]
    if ssh.known_hosts:
        # ssh splits the value at spaces unless it is in quotes of its own.
        options += [f'UserKnownHostsFile="{ssh.known_hosts}"', "StrictHostKeyChecking=yes"]
    if ssh.key_file:
        options += ["IdentitiesOnly=yes"]
    words = ["ssh", *(word for option in options for word in ("-o", option))]
    return shlex.join([*words, "-i", ssh.key_file] if ssh.key_file else words)


def _quote(text: str) -> str:
    """A value or subsection in a configuration file's quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
