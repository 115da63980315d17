"""Certify's tables: one repository per noun, all over the unit of work's connection. All SQL of certify is here."""

from sealwright_certify.adapters.postgres.work import CertifyUnitOfWork

__all__ = ["CertifyUnitOfWork"]
