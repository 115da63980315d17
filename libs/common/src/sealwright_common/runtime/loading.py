"""Reading settings: TOML file, secrets folder, ``*_FILE`` variables and environment into one settings object.

A key that no setting has is an error that names it and the nearest one, wherever it stands: a mistyped limit must not
silently be the default. :func:`describe` lists all settings for documentation and for the tests of deployment files.
"""

from __future__ import annotations

import difflib
import os
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from sealwright_common.runtime.config import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)


class ConfigError(Exception):
    """The settings are wrong; ``problems`` has one line each: what, and how to mend it. No line shows a secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, as documentation shows it."""

    key: str
    """Path in the TOML file, e.g. ``database.pool_size``."""
    env: str
    """Environment variable, e.g. ``SEALWRIGHT_SIGNER_DATABASE__POOL_SIZE``."""
    type: str
    """Type, in an operator's words: text, int, duration, path, a | b."""
    default: str | None
    """Default as text; None when the setting is required."""
    doc: str
    """What it means."""
    secret: bool
    """Whether its value must not be shown."""
    open: bool
    """Whether it is a table with keys of the operator's choice, or a list."""


def env_prefix(service: str) -> str:
    """``SEALWRIGHT_<SERVICE>_``."""
    return f"SEALWRIGHT_{service.upper().replace('-', '_')}_"


def describe(settings: type[BaseModel], service: str) -> list[Setting]:
    """All settings of a service in the order of its class, nested ones included."""
    return list(_describe(settings, (), env_prefix(service), required=True))


def load(
    settings: type[S],
    service: str,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> S:
    """The settings from all sources; ``overrides`` (command line) win. Raises :class:`ConfigError`."""
    environ = os.environ if environ is None else environ
    known = describe(settings, service)
    prefix = env_prefix(service)
    from_file = _read_toml(config) if config else {}
    variables = {**_secret_files(environ, prefix, known), **_variables(environ, prefix, known)}
    try:
        from_env = _Environment(settings, prefix, variables)()
    except SettingsError as error:
        raise ConfigError([f"environment: {error}; write tables and lists as JSON"]) from None
    merged = _merge(_merge(from_file, from_env), dict(overrides or {}))
    try:
        return settings(**merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, known, prefix)) from None


class _Environment(EnvSettingsSource):
    """pydantic-settings' reading of variables, over a mapping of ours instead of ``os.environ``."""

    def __init__(self, settings: type[BaseSettings], prefix: str, variables: Mapping[str, str]) -> None:
        self._variables = variables
        super().__init__(settings, env_prefix=prefix, env_nested_delimiter="__", case_sensitive=False)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._variables.items()}


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}; name a readable TOML file with --config"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: not TOML: {error}"]) from None


def _variables(environ: Mapping[str, str], prefix: str, known: list[Setting]) -> dict[str, str]:
    """The variables with our prefix, ``*_FILE`` ones replaced by what stands in the file; unknown ones are an error."""
    exact = {setting.env for setting in known}
    opened = tuple(f"{setting.env}__" for setting in known if setting.open)
    sections = {setting.env[: setting.env.rfind("__")] for setting in known if "__" in setting.env}
    reserved = {f"{prefix}SECRETS_DIR", f"{prefix}CONFIG"}
    found: dict[str, str] = {}
    problems: list[str] = []
    for name, value in environ.items():
        upper = name.upper()
        if not upper.startswith(prefix) or upper in reserved:
            continue
        if upper in exact or upper in sections or upper.startswith(opened):
            found[upper] = value
        elif upper.endswith("_FILE") and upper.removesuffix("_FILE") in exact:
            try:
                found.setdefault(upper.removesuffix("_FILE"), Path(value).read_text(encoding="utf-8").strip())
            except OSError as error:
                problems.append(f"{name}: cannot read {value}: {error.strerror}")
        else:
            problems.append(f"environment variable {name}: no such setting{_nearest(upper, exact)}")
    if problems:
        raise ConfigError(problems)
    return found


def _secret_files(environ: Mapping[str, str], prefix: str, known: list[Setting]) -> dict[str, str]:
    """One file per setting in the secrets folder, named like the variable without prefix, in lower case."""
    folder = environ.get(f"{prefix}SECRETS_DIR")
    if folder is None:
        return {}
    names = {setting.env.removeprefix(prefix).lower(): setting.env for setting in known}
    found: dict[str, str] = {}
    problems: list[str] = []
    try:
        # Kubernetes mounts secrets with hidden bookkeeping entries (..data); they are not settings.
        entries = sorted(entry for entry in Path(folder).iterdir() if not entry.name.startswith("."))
        for entry in entries:
            if entry.name.lower() in names:
                found[names[entry.name.lower()]] = entry.read_text(encoding="utf-8").strip()
            else:
                problems.append(f"{entry}: no such setting{_nearest(entry.name.lower(), names)}")
    except OSError as error:
        problems.append(f"{prefix}SECRETS_DIR={folder}: {error.strerror}")
    if problems:
        raise ConfigError(problems)
    return found


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return merged


def _explain(error: ValidationError, known: list[Setting], prefix: str) -> list[str]:
    keys = {setting.key: setting for setting in known}
    lines: list[str] = []
    for item in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in item["loc"])
        kind, message = item["type"], item["msg"].removeprefix("Value error, ")
        if kind == "extra_forbidden":
            lines.append(f"{key}: no such setting{_nearest(key, keys)}")
        elif kind == "missing":
            missing = [setting for name, setting in keys.items() if name == key or name.startswith(f"{key}.")]
            env = missing[0].env if missing else prefix + key.upper().replace(".", "__")
            lines.append(f"{key}: required; set it in the file given by --config or as {env} (or {env}_FILE)")
        else:
            lines.append(f"{key}: {message}" if key else message)
    return lines


def _nearest(name: str, names: Mapping[str, Any] | set[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else "; --help lists all settings"


def _describe(model: type[BaseModel], path: tuple[str, ...], prefix: str, *, required: bool) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        inner = _section(field.annotation)
        here = (*path, name)
        if inner is not None:
            yield from _describe(inner, here, prefix, required=required and field.is_required())
            continue
        annotation = field.annotation
        default = None
        if field.default_factory is not None:
            default = _show(field.get_default(call_default_factory=True, validated_data={}))
        elif field.default is not PydanticUndefined:
            default = _show(field.default)
        secret = annotation is SecretStr or SecretStr in get_args(annotation)
        yield Setting(
            key=".".join(here),
            env=prefix + "__".join(here).upper(),
            type=_type_name(annotation),
            default=default if not (secret and default) else "(secret)",
            doc=(field.description or "").strip(),
            secret=secret,
            open=_is_open(annotation),
        )


def _type_name(annotation: Any) -> str:
    """The type as an operator writes values of it."""
    if get_origin(annotation) is Annotated:
        return _type_name(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return " | ".join(str(choice) for choice in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return " | ".join(_type_name(kind) for kind in get_args(annotation) if kind is not type(None))
    if get_args(annotation):
        inner = ", ".join(_type_name(kind) for kind in get_args(annotation))
        return f"{get_origin(annotation).__name__}[{inner}]"
    return _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


_NAMES: dict[Any, str] = {SecretStr: "secret", timedelta: "duration", Path: "path", str: "text", bool: "true | false"}


def _show(value: Any) -> str:
    return "" if value is None else str(value)


def _section(annotation: Any) -> type[BaseModel] | None:
    """The settings group an annotation means: the class itself or the one beside None."""
    candidates = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    found = [item for item in candidates if isinstance(item, type) and issubclass(item, BaseModel)]
    return found[0] if len(found) == 1 else None


def _is_open(annotation: Any) -> bool:
    kinds = (annotation, *get_args(annotation))
    return any(get_origin(kind) in (dict, list, tuple) or kind in (dict, list, tuple) for kind in kinds)
