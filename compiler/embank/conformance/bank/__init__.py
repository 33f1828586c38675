"""The test kit for banks: inherit `BankConformance`, and say how to open the bank.

keys     keys and listings
objects  an object is put, read, replaced and deleted
races    several writers, and writers that are killed
kit      all of them
"""

from embank.conformance.bank.kit import BankConformance

__all__ = ["BankConformance"]
