"""One database and one role per service; nobody but its owner may connect to a service's database."""

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from sealwright_sandbox.embedded.postgres import create_database, execute, quote_identifier
from sealwright_sandbox.embedded.secret import private_file, secret_file
from sealwright_sandbox.mesh.options import Service


def service_database(dsn: str, service: Service, folder: Path) -> Path:
    """The file (0600) with the DSN of a service's own database, which its own role owns; both are made if missing.

    `dsn` is a superuser's; the role's password is kept in `folder`.
    """
    name = f"sealwright_{service}"
    role = quote_identifier(name)
    password = secret_file(folder / "password")
    if name not in execute(dsn, "select rolname from pg_roles").splitlines():
        execute(dsn, f"create role {role} login")
    # certify's migrations make the two roles that keep onboarding and attesting apart
    makes_roles = "createrole" if service is Service.CERTIFY else "nocreaterole"
    execute(dsn, f"alter role {role} {makes_roles} password '{password}'")
    create_database(dsn, name)
    execute(dsn, f"alter database {role} owner to {role}", f"revoke connect on database {role} from public")
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    own = urlunsplit(parts._replace(netloc=f"{name}:{quote(password, safe='')}@{place}", path=f"/{name}"))
    return private_file(folder / "dsn", own)
