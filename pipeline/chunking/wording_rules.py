"""Rules, as data, by which wording tells a chunk's role where no heading does.

The weights of what is found are added up for each role.
"""

from __future__ import annotations

from pipeline.chunk_roles import Role
from pipeline.chunking.role_rules import Rule

WORDING_RULES: tuple[Rule, ...] = (
    Rule(
        "says what is not paid for",
        Role.EXCLUSION,
        3,
        """
            will not pay, do not cover, does not cover, not cover, are excluded, is excluded, are
            not covered, is not covered, shall not be liable, not be liable, we do not insure, sono
            esclusi, sono escluse, sono inoltre esclus*, e esclus*, è esclus*, non copre, no cubre,
            quedan excluid*, not payable, will not cover, non rimborsa, non sei coperto, non sei
            assicurato, non è assicurat*, non sono assicurat*, no benefits, non-payable, esclusioni
            """,
    ),
    Rule(
        "hints at an exclusion",
        Role.EXCLUSION,
        1,
        "no coverage, excludes, excluding, not liable, does not apply to, exclusion, exclusions",
    ),
    Rule(
        "says what a word means",
        Role.DEFINITION,
        3,
        """
            shall mean, is defined as, are defined as, has the meaning, means and includes, se
            entiende por, se entendera por, se entenderá por
            """,
    ),
    Rule(
        "seems to say what a word means",
        Role.DEFINITION,
        2,
        "means, refers to, si intende, si intendono",
    ),
    Rule(
        "changes the policy",
        Role.ENDORSEMENT,
        4,
        """
            this endorsement, endorsement changes, endorsement modifies, policy is amended, is
            hereby amended
            """,
    ),
    Rule(
        "tells how to claim",
        Role.CLAIMS,
        2,
        """
            claim form*, file a claim, submit a claim, notice of claim, proof of loss, notify us,
            appeal, appeals, grievance, claim documents, original bills, denunciare, denuncia, in
            caso di sinistro, denuncia del sinistro, denuncia de siniestro, claim must, claims
            must, report the loss, report a claim, settle the claim, settlement of claim*,
            insurance ombudsman, ombudsman, complaint*, reclamo, reclami, documentazione
            """,
    ),
    Rule(
        "tells what the insured pays or a limit",
        Role.LIMIT,
        2,
        """
            deductible, copay*, co-pay*, coinsurance, co-insurance, limit of liability, up to a
            maximum, out-of-pocket*, massimale, franchigia, scoperto, no charge, member pays, you
            pay, waiting period, overall annual limit, out-of-pocket limit, allowed amount, annual
            limit, per occurrence
            """,
    ),
    Rule(
        "hints at a limit",
        Role.LIMIT,
        1,
        "maximum, sum insured, limited to, up to, fino a, hasta, tope, limit, limits",
    ),
    Rule(
        "promises to pay",
        Role.COVERAGE,
        3,
        """
            we will pay, we cover, we will cover, plan pays, will reimburse, will indemnify, shall
            indemnify, we insure, rimborsa, la garanzia prevede, eventi coperti, reembolsara,
            reembolsará, indemnizara, indemnizará, this policy provides, shall reimburse, ti
            rimborsa, ti fornisce, sei assicurato
            """,
    ),
    Rule(
        "hints at what is paid for",
        Role.COVERAGE,
        1,
        """
        are covered, is covered, covers, shall pay, will pay, garantisce, cubre, covered services,
        coverage is provided, benefit, benefits
        """,
    ),
    Rule(
        "asks something of a party",
        Role.CONDITION,
        2,
        """
            you must, must be paid, may cancel, be cancelled, is cancelled, shall be void, renewed,
            grace period, written notice, is void, subject to the condition*, governed by, as a
            condition, policyholder shall, insured shall, right to recover, obbligo, terminate,
            terminates, termination, prescrivono, recesso
            """,
    ),
    Rule(
        "hints at a condition",
        Role.CONDITION,
        1,
        "renewal, eligible, eligibility, enroll*, contraente, premium, contratante",
    ),
    Rule(
        "states the parties and dates",
        Role.SCHEDULE,
        2,
        """
            policy number, named insured, policy no, mailing address, agency customer id
            """,
    ),
    Rule(
        "hints at parties and dates",
        Role.SCHEDULE,
        1,
        "policy period, effective date, expiration date, numero di polizza, producer",
    ),
)
