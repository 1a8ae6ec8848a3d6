"""How a passage's role is told: rules as data, for headings and for wording.

A phrase is matched as whole words, in any case; ``*`` stands for the rest of a word. Phrases are
in the languages of the policies that they were measured on (docs/fidelity.md).
"""

from __future__ import annotations

from typing import NamedTuple

from pipeline.roles import Role

SECTION, MENTION, HINT = 3, 2, 1
"""What a heading's phrase is worth: it names the section; it tells what the section is about; it
is only a hint, which any heading above it and any clear wording overrule."""


class Rule(NamedTuple):
    """A rule for one role.

    Attributes:
        name: what it notices, for a person.
        weight: of each of its phrases.
    """

    name: str
    role: Role
    weight: int
    phrases: tuple[str, ...]


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.split(",") if phrase.strip())


SAYS_NOTHING = _phrases(
    """
    chronic condition*, lung condition*, heart condition*, skin condition*, eye condition*,
    existing condition*, condition management, medical condition*, health condition*, pre-existing condition*,
    pre existing condition*, cardiac condition*, emergency condition*, coverage period, exclusive,
    summary of benefits and coverage, evidence of coverage, coverage for, policy wordings,
    level of cover, insurance coverage type, claims department, cover page, limited company,
    private limited, plan provisions, remarks schedule, space for endorsements,
    what this plan covers, plan type, condizioni generali di assicurazione,
    condizioni di assicurazione, condiciones generales, allgemeine versicherungsbedingungen,
    general terms and conditions of insurance
    """
)
"""Phrases that look like another one's but tell no role; they are taken out of a heading first."""

# In this order: of rules of one weight the first one wins, as "exclusions and limits" are
# exclusions and "conditions for claims" are about claims.
HEADING_RULES: tuple[Rule, ...] = (
    Rule(
        "names exclusions",
        Role.EXCLUSION,
        SECTION,
        _phrases(
            """
            exclusion*, excluded*, excl0*, excl1*, excl 0*, excl 1*, not covered, not cover, not pay,
            not insured, uninsured perils, non-covered*, uncovered, not eligible for coverage,
            non payable*, non-payable*, not payable, not available,
            esclusi, esclusa, escluse, escluso, esclusion*, non copert*, non copre, non assicurat*, cosa non, non sono copert*,
            exclui*, no cubre, no cubiert*, ausschl*, ausgeschlossen*, nicht versichert*
            """
        ),
    ),
    Rule(
        "defines terms",
        Role.DEFINITION,
        SECTION,
        _phrases(
            """
            definition*, definicion*, definizion*, glossary, glossario, glosario, defined terms,
            means, mean, begriffsbestimmung*, definitionen, key terms, meaning of
            """
        ),
    ),
    Rule(
        "names an endorsement",
        Role.ENDORSEMENT,
        SECTION,
        _phrases(
            """
            endorsement no*, endorsement number*, endorsement form, amendatory endorsement,
            endorsement schedule, rider no*
            """
        ),
    ),
    Rule(
        "tells how claims are made and settled",
        Role.CLAIMS,
        SECTION,
        _phrases(
            """
            claims, claim procedure*, claim settlement, claim form*, claim process*,
            how to claim, how to file, to claim, claiming, filing a claim, file a claim, paying a
            claim, notice of claim*, notice of loss, proof of loss, appeal*, grievance*, complaint*,
            sinistr*, siniestro*, denuncio*, denuncia*, reclamo*, reclami, liquidazione*,
            liquidacion*, loss settlement, in the event of loss, in case of loss, duties after,
            what to do, cosa fare, que hacer, dispute resolution, external review, schadenfall, schadensfall, leistungsfall
            """
        ),
    ),
    Rule(
        "tells limits, deductibles or what the insured pays",
        Role.LIMIT,
        SECTION,
        _phrases(
            """
            limits of liability, limit of liability, limits, limitations, deductibles, limiti,
            limites, massimal*, franchigi*, scopert*, sub-limit*, sub-limits, sublimit*, cost sharing,
            cost-sharing, copayments, coinsurance, out-of-pocket*, benefit maximum*, annual maximum*,
            waiting period*, waiting periods, what you pay, what you will pay, your cost*,
            you will pay, important questions, quali costi devo, monto asegurado, capital asegurado, deducible*,
            selbstbeteiligung, selbstbehalt, carenza, carencia
            """
        ),
    ),
    Rule(
        "names conditions",
        Role.CONDITION,
        SECTION,
        _phrases(
            """
            conditions, general provision*, provisions, terms and condition*, terms & condition*,
            general condition*, special condition*, specific condition*, standard condition*,
            condition precedent, territorial limit*, norme, normativa,
            disposizioni, bedingungen, changes in policy, other insurance,
            coordination of benefits, other coverage*, governing law, applicable law
            """
        ),
    ),
    Rule(
        "is a schedule",
        Role.SCHEDULE,
        SECTION,
        _phrases(
            """
            declarations page, policy declarations, declarations, schedule of benefit*,
            schedule of coverage*, scheda di polizza, condiciones particulares, table of benefits,
            table of benefit, benefit schedule, tabella delle garanzie, tabella*, schedule of cover*,
            coverage schedule, schedule of insurance, versicherungsschein
            """
        ),
    ),
    Rule(
        "tells what is insured",
        Role.COVERAGE,
        SECTION,
        _phrases(
            """
            what is covered, what we cover, we cover, insuring agreement*, scope of cover*,
            scope of insurance, oggetto dell'assicurazione, oggetto della garanzia, oggetto,
            cosa e assicurato, che cosa e assicurato, cosa è assicurato, che cosa è assicurato,
            perils insured*, additional coverage*, coberturas, covered services, covered expenses,
            benefits payable, benefits covered, coverages, what your plan covers, we will pay,
            section i coverage*, cobertura, materia asegurada, descripcion de cobertura
            """
        ),
    ),
    Rule(
        "is about the document or its parties",
        Role.OTHER,
        SECTION,
        _phrases(
            """
            privacy, personal information, personal data, table of contents, contents, index, indice,
            contact us, contact*, language access, language assistance, nondiscrimination,
            non-discrimination, hipaa, informativa, dati personali, proteccion de datos, foreword,
            introduction, references, cost estimator, coverage example*, signature*, coverage examples, disclaimer*, phi, datenschutz,
            about us, welcome, clinical evidence, revision history, policy history, to reach
            """
        ),
    ),
    Rule(
        "mentions an endorsement",
        Role.ENDORSEMENT,
        MENTION,
        _phrases("endorsement*, rider*, amendment*, addendum, adicional, nachtrag, appendice"),
    ),
    Rule(
        "mentions a claim",
        Role.CLAIMS,
        MENTION,
        _phrases("claim, claimant*, settlement, indemnification, reimbursement request*"),
    ),
    Rule(
        "mentions a limit",
        Role.LIMIT,
        MENTION,
        _phrases(
            """
        deductible, limit, limitation, copay*, co-pay*, co-payment, co-insurance, maximum, excess,
        sum insured, limite, cost, costs, rates, fees
        """
        ),
    ),
    Rule(
        "mentions a duty or the life of the contract",
        Role.CONDITION,
        MENTION,
        _phrases(
            """
        cancel*, renew*, nonrenewal, terminat*, subrogat*, recovery action, jurisdiction,
        assignment*, fraud, misrepresentation, concealment, nomination, portability, migration,
        free look, grace period, premium*, disclosure*, eligib*, enrollment, obblighi, obbligo,
        obligation*, obligaciones, duties, recesso, disdetta, durata, decorrenza, surrog*, rivalsa,
        vigencia, terminacion, prima, arbitration, legal action*, transfer of, continuation,
        territor*, territory, severability, multiple policies, moratorium, withdrawal, dichiarazioni,
        pagamento, altre assicurazioni, bedingung*, lapse, reinstatement, revival, entire contract,
        cumulo, foro, imposte, nomina, prescrizione, declaraciones, comunicacion*, condition,
        disdire, devo pagare, dove vale, quando comincia, effective date*, right to recover, reservation of rights, authority
        """
        ),
    ),
    Rule(
        "mentions a schedule",
        Role.SCHEDULE,
        MENTION,
        _phrases(
            "schedule, declaration, policy number, named insured, identification card, premium rates"
        ),
    ),
    Rule(
        "hints at what is insured",
        Role.COVERAGE,
        HINT,
        _phrases(
            """
        coverage*, cover, covers, covered, benefit*, garanzi*, prestazion*, assistenza, indennit*,
        expenses, spese, cobertura*, indemnity, leistung*, rimborso
        """
        ),
    ),
)

WORDING_RULES: tuple[Rule, ...] = (
    Rule(
        "says what is not paid for",
        Role.EXCLUSION,
        3,
        _phrases(
            """
            will not pay, do not cover, does not cover, not cover, are excluded, is excluded,
            are not covered, is not covered, shall not be liable, not be liable, we do not insure,
            sono esclusi, sono escluse, sono inoltre esclus*, e esclus*, è esclus*, non copre,
            no cubre, quedan excluid*, not payable, will not cover, non rimborsa, non sei coperto,
            non sei assicurato, non è assicurat*, non sono assicurat*, no benefits, non-payable,
            esclusioni
            """
        ),
    ),
    Rule(
        "hints at an exclusion",
        Role.EXCLUSION,
        1,
        _phrases(
            "no coverage, excludes, excluding, not liable, does not apply to, exclusion, exclusions"
        ),
    ),
    Rule(
        "says what a word means",
        Role.DEFINITION,
        3,
        _phrases(
            """
            shall mean, is defined as, are defined as, has the meaning, means and includes,
            se entiende por, se entendera por, se entenderá por
            """
        ),
    ),
    Rule(
        "seems to say what a word means",
        Role.DEFINITION,
        2,
        _phrases("means, refers to, si intende, si intendono"),
    ),
    Rule(
        "changes the policy",
        Role.ENDORSEMENT,
        4,
        _phrases(
            """
            this endorsement, endorsement changes, endorsement modifies, policy is amended,
            is hereby amended
            """
        ),
    ),
    Rule(
        "tells how to claim",
        Role.CLAIMS,
        2,
        _phrases(
            """
            claim form*, file a claim, submit a claim, notice of claim, proof of loss, notify us,
            appeal, appeals, grievance, claim documents, original bills, denunciare, denuncia,
            in caso di sinistro, denuncia del sinistro, denuncia de siniestro, claim must,
            claims must, report the loss, report a claim, settle the claim, settlement of claim*,
            insurance ombudsman, ombudsman, complaint*, reclamo, reclami, documentazione
            """
        ),
    ),
    Rule(
        "tells what the insured pays or a limit",
        Role.LIMIT,
        2,
        _phrases(
            """
            deductible, copay*, co-pay*, coinsurance, co-insurance, limit of liability,
            up to a maximum, out-of-pocket*, massimale, franchigia, scoperto, no charge,
            member pays, you pay, waiting period, allowed amount, annual limit, per occurrence
            """
        ),
    ),
    Rule(
        "hints at a limit",
        Role.LIMIT,
        1,
        _phrases("maximum, sum insured, limited to, up to, fino a, hasta, tope, limit, limits"),
    ),
    Rule(
        "promises to pay",
        Role.COVERAGE,
        3,
        _phrases(
            """
            we will pay, we cover, we will cover, plan pays, will reimburse, will indemnify,
            shall indemnify, we insure, rimborsa, la garanzia prevede, eventi coperti,
            reembolsara, reembolsará, indemnizara, indemnizará, this policy provides,
            shall reimburse, ti rimborsa, ti fornisce, sei assicurato
            """
        ),
    ),
    Rule(
        "hints at what is paid for",
        Role.COVERAGE,
        1,
        _phrases(
            """
        are covered, is covered, covers, shall pay, will pay, garantisce, cubre, covered services,
        coverage is provided, benefit, benefits
        """
        ),
    ),
    Rule(
        "asks something of a party",
        Role.CONDITION,
        2,
        _phrases(
            """
            you must, must be paid, may cancel, be cancelled, is cancelled, shall be void, renewed,
            grace period, written notice, is void, subject to the condition*, governed by,
            as a condition, policyholder shall, insured shall, right to recover, obbligo,
            terminate, terminates, termination, prescrivono, recesso
            """
        ),
    ),
    Rule(
        "hints at a condition",
        Role.CONDITION,
        1,
        _phrases("renewal, eligible, eligibility, enroll*, contraente, premium, contratante"),
    ),
    Rule(
        "states the parties and dates",
        Role.SCHEDULE,
        2,
        _phrases(
            """
            policy number, named insured, policy period, policy no, effective date, expiration date,
            mailing address, agency customer id, numero di polizza, producer
            """
        ),
    ),
)
