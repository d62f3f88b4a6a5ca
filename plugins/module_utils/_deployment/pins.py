# Copyright: Contributors to the imagefleet.dify project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which image each service of a release runs, by digest, and whether the host can run it. Pure but for asking the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

from ansible_collections.imagefleet.dify.plugins.module_utils._core.errors import CollectionError, MissingPrerequisite
from ansible_collections.imagefleet.dify.plugins.module_utils._deployment.compose_model import Service
from ansible_collections.imagefleet.dify.plugins.module_utils._oci.reference import parse_reference


@dataclass(frozen=True)
class Found:
    """What a registry holds under a reference.

    :param platforms: as text, such as ``linux/arm64``.
    :param user: who it runs as, by number; None for root, and where it is a name.
    """

    digest: str
    platforms: tuple[str, ...]
    user: int | None = None


@dataclass(frozen=True)
class Pin:
    """The image of a service.

    :param wanted: the reference that was asked for, with its tag.
    :param digest: what it pointed at when the release was made.
    :param user: who it runs as, by number, for one of ours that is not root's.
    """

    wanted: str
    digest: str
    user: int | None = None

    @property
    def reference(self) -> str:
        """What the engine runs: the repository with the digest."""
        return str(parse_reference(self.wanted).with_digest(self.digest))

    def as_json(self) -> dict[str, str]:
        return {"wanted": self.wanted, "digest": self.digest}


def wanted_images(
    services: Mapping[str, Service], images: Mapping[str, str], image_map: Mapping[str, str]
) -> dict[str, str]:
    """By service the reference that it is to run: ours for its component, else the user's for the name, else upstream's.

    :param images: by component.
    :param image_map: by an image's name, with or without tag, as the Compose file has it.
    :raises CollectionError: an entry is for nothing that the release has, or a service has no image.
    """
    found: dict[str, str] = {}
    used: set[str] = set()
    for name, service in services.items():
        if service.image is None:
            raise CollectionError(
                f"The service {name} is built by Compose from a folder, so it cannot be pinned to a digest. Build it by "
                "yourself, or leave its profile out."
            )
        component = service.component
        if component and component in images:
            found[name] = images[component]
            used.add(component)
            continue
        given = parse_reference(service.image)
        by_name = {_key(key): key for key in image_map}
        key = by_name.get(f"{given.name}:{given.tag or 'latest'}") or by_name.get(given.name)
        found[name] = image_map[key] if key else service.image
        used |= {key} if key else set()
    left = sorted(set(images) - used) + sorted(set(image_map) - used)
    if left:
        raise CollectionError(
            f"The release runs no {', '.join(left)} with its profiles (it runs {', '.join(sorted(services))}). Leave it "
            "out of the deployment's images, or start the profile that has it."
        )
    return found


def pin_images(
    wanted: Mapping[str, str],
    ours: set[str],
    before: Mapping[str, Mapping[str, Any]],
    find: Callable[[str], Found | None],
    platform: str,
) -> dict[str, Pin]:
    """By service its image by digest.

    :param wanted: of :func:`wanted_images`.
    :param ours: services that run a component of ours: their tag is looked at each time.
    :param before: the pins of the release before: others' tags are not looked at again.
    :param find: asks the registry for a reference.
    :param platform: of the host.
    :raises CollectionError: images are missing, or not for the host. All of them are told.
    """
    known = {} if not before else {entry["wanted"]: entry["digest"] for entry in before.values()}
    pins, problems, asked = {}, [], {}
    for name, reference in wanted.items():
        parsed = parse_reference(reference)
        if name not in ours and reference in known:
            pins[name] = Pin(reference, known[reference])
            continue
        if reference not in asked:
            try:
                asked[reference] = find(reference)
            except MissingPrerequisite:
                raise
            except CollectionError as error:
                left = {other: wanted[other] for other in wanted if other not in pins}
                raise _not_asked(error, parsed.registry, left) from error
        found = asked[reference]
        if found is None:
            problems.append(f"{name}: there is no {parsed} in the registry")
        elif platform not in found.platforms:
            problems.append(
                f"{name}: {parsed} is for {', '.join(found.platforms) or 'no platform'}, and this host is {platform}: it would "
                "end with 'exec format error'"
            )
        else:
            pins[name] = Pin(reference, found.digest, found.user if name in ours else None)
    if problems and all("there is no" in problem for problem in problems):
        raise MissingPrerequisite(f"{'; '.join(problems)}.", task="the build playbook")
    if problems:
        raise CollectionError("Not every image can run here. " + "; ".join(problems) + ".")
    return pins


def _not_asked(error: CollectionError, registry: str, wanted: Mapping[str, str]) -> CollectionError:
    """The error of a registry, with everything that is wanted from it: a mirror is needed for all of that."""
    images = [f"{name}: {parse_reference(reference)}" for name, reference in wanted.items()]
    images = [image for image in images if image.split(": ", 1)[1].startswith(f"{registry}/")]
    return CollectionError(
        f"{error.msg} It is asked for {'; '.join(images)}. An image that a mirror has is given in image_map (of the role: "
        "deployment_image_map).",
        **error.facts,
    )


def _key(text: str) -> str:
    reference = parse_reference(text)
    return f"{reference.name}:{reference.tag}" if reference.tag else reference.name
