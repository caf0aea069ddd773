"""Mutation testing: small faults put into one file at a time, each of which some test has to find.

    python -m tests.mutants                      every target, all mutants: half an hour
    python -m tests.mutants cost --sample 50     one target, 50 of its mutants

A process for each mutant is forked from one that has only third-party libraries loaded, so that a mutant costs the import of
tilery and the tests, and no more. Mutation libraries start the test command anew for every mutant, and expect a package whose
folders have its modules' names.
"""
