# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the commands of a build find around them: mirrors, a proxy, a CA, variables. Pure.

It is a shell script that each ``RUN`` reads from a secret mount before its own command. So nothing of it stays in a layer, in
the image's environment, in its history or its provenance, and BuildKit's cache does not depend on it.
"""

from __future__ import annotations

import base64
import shlex
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError
from ansible_collections.imagefleet.dify.plugins.module_utils._image.mirrors import (
    Mirrors,
    parse_mirrors,
    passwords_of,
    without_user_info,
)

#: Ids of the secret mounts that bring it, and where they are.
SCRIPT_ID = "imagefleet_environment"
CA_ID = "imagefleet_ca"
SCRIPT_PATH = f"/run/secrets/{SCRIPT_ID}"
CA_PATH = f"/run/secrets/{CA_ID}"
#: A file system in memory for what the script writes.
SCRATCH = "/run/imagefleet"
#: BuildKit takes no larger secret.
SECRET_LIMIT = 500 * 1024

_PROXY_KEYS = ("http", "https", "no_proxy")
_SNAPSHOT = "https://snapshot.debian.org"
_ARCHIVES = ("debian", "debian-security", "ubuntu", "ubuntu-ports")


@dataclass(frozen=True)
class RunEnvironment:
    """What ``RUN`` steps get beside what the Dockerfile says.

    :param variables: environment variables of the user. They count as inputs; everything else here does not.
    :param proxy: ``http``, ``https`` and ``no_proxy``.
    :param ca_bundle: file on the host with certificates in PEM, added to those that the base has.
    :param apt_snapshot: time of Debian's archive (``20250102T030405Z``) that packages are taken from; None for today's. Counts.
    """

    mirrors: Mirrors = field(default_factory=Mirrors)
    proxy: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    apt_snapshot: str | None = None

    def __bool__(self) -> bool:
        return self != RunEnvironment()

    @property
    def passwords(self) -> tuple[str, ...]:
        """What must be masked in logs."""
        return tuple(sorted({*passwords_of(self.mirrors), *passwords_of(self.proxy)}))

    def mounts(self) -> tuple[str, ...]:
        """What each ``RUN`` mounts, as ``--mount`` takes it. Any user of the image can read it."""
        secrets = [(SCRIPT_ID, SCRIPT_PATH), *([(CA_ID, CA_PATH)] if self.ca_bundle else [])]
        return (
            *(f"type=secret,id={name},target={path},required=true,mode=0444" for name, path in secrets),
            f"type=tmpfs,target={SCRATCH}",
        )

    def script(self) -> str:
        """For POSIX shells, also under ``set -eu``. Files that it changes for a command are as they were afterwards."""
        lines = [f"export {name}={shlex.quote(value)}" for name, value in self._exports().items()]
        lines.append(f": > {SCRATCH}/apt.conf")
        if self.ca_bundle:
            lines.append(_CA)
        lines += self._logins()
        commands = self._rewritten_files()
        if commands:
            lines.append(_REWRITE.replace("@COMMANDS@", "\n".join(commands)))
        if self.mirrors.pip:
            lines.append(_POETRY)
        if self.mirrors.nltk or self.mirrors.tiktoken:
            lines.append(_PYTHON.replace("@REPLACED@", repr(self._python_addresses())))
        return "\n".join(lines) + "\n"

    def _exports(self) -> dict[str, str]:
        mirrors = self.mirrors
        index = urlsplit(mirrors.pip or "")
        npm, npm_login = without_user_info(mirrors.npm or "") or None, urlsplit(mirrors.npm or "")
        plain = index.netloc.rpartition("@")[2] if index.scheme == "http" else None
        found: dict[str, str | None] = {
            "PIP_INDEX_URL": mirrors.pip,
            # pip and uv refuse what comes without TLS, unless its host is named.
            "PIP_TRUSTED_HOST": plain,
            "UV_INSECURE_HOST": plain,
            "UV_DEFAULT_INDEX": mirrors.pip,
            # uv below 0.4.23.
            "UV_INDEX_URL": mirrors.pip,
            "IMAGEFLEET_POETRY_MIRROR": mirrors.pip,
            "npm_config_registry": npm,
            "YARN_REGISTRY": npm,
            "COREPACK_NPM_REGISTRY": npm,
            "COREPACK_NPM_USERNAME": unquote(npm_login.username or "") or None,
            "COREPACK_NPM_PASSWORD": unquote(npm_login.password or "") or None,
            "NODEJS_ORG_MIRROR": mirrors.node,
            "npm_config_disturl": mirrors.node,
            "GOPROXY": mirrors.go,
        }
        for key in ("http", "https"):
            found[f"{key}_proxy"] = found[f"{key.upper()}_PROXY"] = self.proxy.get(key)
        found["no_proxy"] = found["NO_PROXY"] = self.proxy.get("no_proxy")
        return {**{name: value for name, value in found.items() if value}, **self.variables}

    def _logins(self) -> list[str]:
        """Shell commands that put logins where tools look for them, so that they are not in addresses that tools keep."""
        commands = []
        hosts = [address for address in (self.mirrors.apt, self.mirrors.apt_snapshot) if address]
        machines = [
            f"machine {parts.scheme}://{parts.netloc.rpartition('@')[2]} "
            f"login {unquote(parts.username or '')} password {unquote(parts.password or '')}"
            for parts in map(urlsplit, hosts)
            if parts.username
        ]
        if hosts or self.apt_snapshot:
            # A cache of apt's names its sources, and is left where a step removes no more than the lists.
            settings = ['Dir::Cache::pkgcache "";', 'Dir::Cache::srcpkgcache "";']
            if machines:
                commands.append(_text(machines, f"{SCRATCH}/netrc"))
                settings.append(f'Dir::Etc::netrc "{SCRATCH}/netrc";')
            if self.apt_snapshot:
                settings.append('Acquire::Check-Valid-Until "false";')
            commands += [_text(settings, f"{SCRATCH}/apt.conf", ">>"), f"export APT_CONFIG={SCRATCH}/apt.conf"]
        npm = urlsplit(self.mirrors.npm or "")
        if npm.username:
            login = base64.b64encode(f"{unquote(npm.username)}:{unquote(npm.password or '')}".encode()).decode()
            realm = f"//{npm.netloc.rpartition('@')[2]}{npm.path}/"
            commands.append(_text([f"{realm}:_auth={login}", "always-auth=true"], f"{SCRATCH}/npmrc"))
            commands.append(f"export NPM_CONFIG_USERCONFIG={SCRATCH}/npmrc")
        return commands

    def _rewritten_files(self) -> list[str]:
        """Shell commands that change addresses in files, for as long as the step runs."""
        mirrors, commands = self.mirrors, []
        apt = self._apt_expressions()
        if apt:
            commands.append(_rewrite("/etc/apt/sources.list /etc/apt/sources.list.d/*", apt))
        if mirrors.apk:
            commands.append(
                _rewrite("/etc/apk/repositories", [_replaced("https?://[^/ ]+/alpine/", f"{mirrors.apk}/alpine/")])
            )
        if mirrors.pip and mirrors.pip_files:
            # Files by the digits of their hash are PyPI's own way; indexes of others stay.
            hashed = "[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/"
            files = [
                _replaced(f'https://[^/"]+/packages/({hashed})', f"{without_user_info(mirrors.pip_files)}/\\1"),
                # uv has the login from its settings, and takes an address with one for another index.
                _replaced('registry = "https://[^/"]+/simple/?"', f'registry = "{without_user_info(mirrors.pip)}"'),
            ]
            commands.append(_rewrite("uv.lock", files))
        if mirrors.npm:
            npm = without_user_info(mirrors.npm)
            commands.append(_rewrite("yarn.lock", [_replaced('"https://[^/"]+/((@[^/"]+/)?[^/"]+/-/)', f'"{npm}/\\1')]))
        return commands

    def _apt_expressions(self) -> list[str]:
        if self.apt_snapshot:
            start = f"{without_user_info(self.mirrors.apt_snapshot or _SNAPSHOT)}/archive"
            return [
                _replaced(f"https?://[^/ ]+/{archive}/?( |$)", f"{start}/{archive}/{self.apt_snapshot}/\\1")
                for archive in ("debian", "debian-security")
            ]
        if not self.mirrors.apt:
            return []
        # What a distribution serves at the root of a host; repositories of others lie elsewhere.
        mirror = without_user_info(self.mirrors.apt)
        return [_replaced(f"https?://[^/ ]+/({'|'.join(_ARCHIVES)})/?( |$)", f"{mirror}/\\1/\\2")]

    def _python_addresses(self) -> dict[str, str]:
        addresses = {
            "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages": self.mirrors.nltk,
            "https://openaipublic.blob.core.windows.net": self.mirrors.tiktoken,
        }
        return {address: mirror for address, mirror in addresses.items() if mirror}


def parse_run_environment(options: Mapping[str, Any], variables: Mapping[str, str]) -> RunEnvironment:
    """From the options ``mirrors``, ``proxy``, ``ca_bundle`` of an image.

    :param variables: ``build_env``, as texts.
    :raises CollectionError: an option is malformed.
    """
    proxy = {str(key): str(value) for key, value in (options["proxy"] or {}).items() if value}
    unknown = sorted(set(proxy) - set(_PROXY_KEYS))
    if unknown:
        raise CollectionError(f"proxy has {', '.join(unknown)}; known are {', '.join(_PROXY_KEYS)}.")
    for name in variables:
        if not name.isidentifier() or not name.isascii():
            raise CollectionError(f"build_env has {name!r}, which no shell takes as the name of a variable.")
    return RunEnvironment(parse_mirrors(options["mirrors"]), proxy, options["ca_bundle"] or None, dict(variables))


def _text(lines: Sequence[str], path: str, redirection: str = ">") -> str:
    quoted = " ".join(shlex.quote(line) for line in lines)
    return f"printf '%s\\n' {quoted} {redirection} {path}"


def _replaced(pattern: str, by: str) -> str:
    escaped = by.replace("&", "\\&")
    return f"-e 's#{pattern}#{escaped}#g'"


def _rewrite(files: str, expressions: list[str]) -> str:
    return f"for imagefleet_file in {files}; do imagefleet_rewrite {' '.join(expressions)}; done"


# The system's certificates stand before the user's. Node adds its file to its own; the others take theirs from this one.
_CA = f"""\
imagefleet_ca={SCRATCH}/ca.pem
for imagefleet_file in /etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem /etc/pki/tls/certs/ca-bundle.crt; do
  if [ -s "$imagefleet_file" ]; then cat "$imagefleet_file"; echo; break; fi
done > "$imagefleet_ca"
for imagefleet_file in "${{SSL_CERT_FILE:-}}" "${{REQUESTS_CA_BUNDLE:-}}" "${{PIP_CERT:-}}" "${{NODE_EXTRA_CA_CERTS:-}}"; do
  if [ -s "$imagefleet_file" ]; then cat "$imagefleet_file"; echo; fi
done >> "$imagefleet_ca"
cat {CA_PATH} >> "$imagefleet_ca"
chmod 0644 "$imagefleet_ca"
export SSL_CERT_FILE="$imagefleet_ca" REQUESTS_CA_BUNDLE="$imagefleet_ca" CURL_CA_BUNDLE="$imagefleet_ca"
export PIP_CERT="$imagefleet_ca" GIT_SSL_CAINFO="$imagefleet_ca" NODE_EXTRA_CA_CERTS="$imagefleet_ca"
printf 'Acquire::https::CaInfo "%s";\\n' "$imagefleet_ca" >> {SCRATCH}/apt.conf
export APT_CONFIG={SCRATCH}/apt.conf"""

_REWRITE = f"""\
imagefleet_rewrite() {{
  if [ -f "$imagefleet_file" ] && [ -w "$imagefleet_file" ]; then
    imagefleet_number=$((${{imagefleet_number:-0}} + 1))
    cp -p "$imagefleet_file" "{SCRATCH}/$imagefleet_number"
    sed -E "$@" "{SCRATCH}/$imagefleet_number" > "{SCRATCH}/$imagefleet_number.changed"
    cat "{SCRATCH}/$imagefleet_number.changed" > "$imagefleet_file"
    case "$imagefleet_file" in /*) ;; *) imagefleet_file="$PWD/$imagefleet_file" ;; esac
    printf '%s\\n' "$imagefleet_file" > "{SCRATCH}/$imagefleet_number.path"
  fi
}}
imagefleet_restore() {{
  for imagefleet_file in {SCRATCH}/*.path; do
    [ -f "$imagefleet_file" ] || continue
    imagefleet_kept="${{imagefleet_file%.path}}"
    imagefleet_file="$(cat "$imagefleet_file")"
    # What the step itself changed stays, and what it removed stays away.
    if [ -f "$imagefleet_file" ] && cmp -s "$imagefleet_file" "$imagefleet_kept.changed"; then
      cp -p "$imagefleet_kept" "$imagefleet_file"
    fi
  done
}}
trap imagefleet_restore EXIT
@COMMANDS@"""

# Poetry asks PyPI's own interface, which a mirror lacks, and has no setting for another place. It does have plugins, found by
# what is on Python's path: https://python-poetry.org/docs/plugins/. This one puts a simple index in PyPI's place. Packages are
# told to come from nowhere in particular, as those from PyPI are: so a lock file fits, and none is written with the address.
_POETRY = f"""\
poetry() {{
  if [ ! -d {SCRATCH}/poetry ]; then
    mkdir -p {SCRATCH}/poetry/imagefleet_mirror-1.dist-info
    printf 'Metadata-Version: 2.1\\nName: imagefleet-mirror\\nVersion: 1\\n' > \
      {SCRATCH}/poetry/imagefleet_mirror-1.dist-info/METADATA
    printf '[poetry.plugin]\\nmirror = imagefleet_mirror:MirrorPlugin\\n' > \
      {SCRATCH}/poetry/imagefleet_mirror-1.dist-info/entry_points.txt
    cat > {SCRATCH}/poetry/imagefleet_mirror.py <<'IMAGEFLEET'
import os

from poetry.plugins.plugin import Plugin
from poetry.repositories.legacy_repository import LegacyRepository


def _from_nowhere(package):
    package._source_type = package._source_url = package._source_reference = None
    return package


class Mirror(LegacyRepository):
    def package(self, *arguments, **options):
        return _from_nowhere(super().package(*arguments, **options))

    def _find_packages(self, *arguments, **options):
        return [_from_nowhere(package) for package in super()._find_packages(*arguments, **options)]


class MirrorPlugin(Plugin):
    def activate(self, poetry, io):
        pool = poetry.pool
        if pool.has_repository("PyPI"):
            priority = pool.get_priority("PyPI")
            pool.remove_repository("PyPI")
            mirror = Mirror("PyPI", os.environ["IMAGEFLEET_POETRY_MIRROR"], config=poetry.config)
            pool.add_repository(mirror, priority=priority)
IMAGEFLEET
  fi
  PYTHONPATH="{SCRATCH}/poetry${{PYTHONPATH:+:$PYTHONPATH}}" command poetry "$@"
}}"""

# Python reads sitecustomize at its start. Neither nltk nor tiktoken has a setting for where it downloads from.
_PYTHON = f"""\
mkdir -p {SCRATCH}/python
cat > {SCRATCH}/python/sitecustomize.py <<'IMAGEFLEET'
import base64
import urllib.parse
import urllib.request

_REPLACED = @REPLACED@
_open = urllib.request.OpenerDirector.open


def _replaced(url):
    for address, mirror in _REPLACED.items():
        if url.startswith(address):
            return mirror + url[len(address):]
    return url


def _open_mirror(self, fullurl, *arguments, **options):
    request = urllib.request.Request(fullurl) if isinstance(fullurl, str) else fullurl
    address = _replaced(request.full_url)
    if address != request.full_url:
        # Unlike requests, urllib takes no login that is in an address.
        parts = urllib.parse.urlsplit(address)
        login, _at, host = parts.netloc.rpartition("@")
        if login:
            secret = base64.b64encode(urllib.parse.unquote(login).encode()).decode()
            request.add_unredirected_header("Authorization", "Basic " + secret)
        request.full_url = urllib.parse.urlunsplit(parts._replace(netloc=host))
    return _open(self, request, *arguments, **options)


urllib.request.OpenerDirector.open = _open_mirror


class _Requests:
    \"\"\"Finds requests once, and lets its sessions ask the mirror.\"\"\"

    def find_spec(self, name, path=None, target=None):
        if name == "requests.sessions":
            import importlib.util
            import sys

            sys.meta_path.remove(self)
            spec = importlib.util.find_spec(name)
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                request = module.Session.request
                module.Session.request = lambda session, method, url, *arguments, **options: request(
                    session, method, _replaced(url), *arguments, **options
                )

            spec.loader.exec_module = exec_module
            return spec
        return None


import sys

sys.meta_path.insert(0, _Requests())
IMAGEFLEET
export PYTHONPATH="{SCRATCH}/python${{PYTHONPATH:+:$PYTHONPATH}}\""""
