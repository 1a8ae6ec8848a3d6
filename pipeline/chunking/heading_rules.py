"""Rules, as data, by which headings tell the role of what stands below them.

In the languages of the policies that they were measured on (docs/fidelity.md).
"""

from __future__ import annotations

from pipeline.chunk_roles import Role
from pipeline.chunking.role_rules import Rule

SECTION, MENTION = 2, 1
"""What a heading's phrase is worth: it names a kind of section, also for what stands below other
headings in it; or it only tells what stands right below it."""

SAYS_NOTHING = """
    chronic condition*, lung condition*, heart condition*, skin condition*, eye condition*,
    existing condition*, condition management, medical condition*, health condition*, pre-existing
    condition*, pre existing condition*, cardiac condition*, emergency condition*, coverage period,
    exclusive, summary of benefits and coverage, evidence of coverage, coverage for, policy
    wordings, level of cover, insurance coverage type, claims department, cover page, limited
    company, private limited, plan provisions, remarks schedule, space for endorsements, what this
    plan covers, plan type, condizioni generali di assicurazione, condizioni di assicurazione,
    condiciones generales, allgemeine versicherungsbedingungen, general terms and conditions of
    insurance
    """
"""Phrases that look like another one's but tell no role; where they stand, no other is sought."""

# In this order: of rules of one weight the first one wins, as "exclusions and limits" are
# exclusions and "conditions for claims" are about claims.
HEADING_RULES: tuple[Rule, ...] = (
    Rule(
        "names exclusions",
        Role.EXCLUSION,
        SECTION,
        """
            exclusion*, excluded*, excl0*, excl1*, excl 0*, excl 1*, not covered, not cover, not
            pay, not insured, uninsured perils, non-covered*, uncovered, not eligible for coverage,
            non payable*, non-payable*, not payable, not available, esclusi, esclusa, escluse,
            escluso, esclusion*, non copert*, non copre, non assicurat*, cosa non, non sono
            copert*, exclui*, no cubre, no cubiert*, ausschl*, ausgeschlossen*, nicht versichert*
            """,
    ),
    Rule(
        "defines terms",
        Role.DEFINITION,
        SECTION,
        """
            definition*, definicion*, definizion*, glossary, glossario, glosario, defined terms,
            means, mean, begriffsbestimmung*, definitionen, key terms, meaning of
            """,
    ),
    Rule(
        "names an endorsement",
        Role.ENDORSEMENT,
        SECTION,
        """
            endorsement no*, endorsement number*, endorsement form, amendatory endorsement,
            endorsement schedule, rider no*
            """,
    ),
    Rule(
        "tells how claims are made and settled",
        Role.CLAIMS,
        SECTION,
        """
            claims, claim procedure*, claim settlement, claim form*, claim process*, how to claim,
            how to file, to claim, claiming, filing a claim, file a claim, paying a
            claim, notice of claim*, notice of loss, proof of loss, appeal*, grievance*,
            complaint*, sinistr*, siniestro*, denuncio*, denuncia*, reclamo*, reclami,
            liquidazione*, liquidacion*, loss settlement, in the event of loss, in case of loss,
            duties after, what to do, cosa fare, que hacer, dispute resolution, external review,
            schadenfall, schadensfall, leistungsfall
            """,
    ),
    Rule(
        "tells limits, deductibles or what the insured pays",
        Role.LIMIT,
        SECTION,
        """
            limits of liability, limit of liability, limits, limitations, deductibles, limiti,
            limites, massimal*, franchigi*, scopert*, sub-limit*, sub-limits, sublimit*, cost
            sharing, cost-sharing, copayments, coinsurance, out-of-pocket*, benefit maximum*,
            annual maximum*, waiting period*, waiting periods, what you pay, what you will pay,
            your cost*, you will pay, important questions, quali costi devo, monto asegurado,
            capital asegurado, deducible*, selbstbeteiligung, selbstbehalt, carenza, carencia
            """,
    ),
    Rule(
        "names conditions",
        Role.CONDITION,
        SECTION,
        """
            conditions, general provision*, provisions, terms and condition*, terms & condition*,
            general condition*, special condition*, specific condition*, standard condition*,
            condition precedent, territorial limit*, norme, normativa, disposizioni, bedingungen,
            changes in policy, other insurance, coordination of benefits, other coverage*,
            governing law, applicable law
            """,
    ),
    Rule(
        "is a schedule",
        Role.SCHEDULE,
        SECTION,
        """
            declarations page, policy declarations, declarations, schedule of benefit*, schedule of
            coverage*, scheda di polizza, condiciones particulares, table of benefits, table of
            benefit, benefit schedule, tabella delle garanzie, tabella*, schedule of cover*,
            coverage schedule, schedule of insurance, versicherungsschein
            """,
    ),
    Rule(
        "tells what is insured",
        Role.COVERAGE,
        SECTION,
        """
            what is covered, what we cover, we cover, insuring agreement*, scope of cover*, scope
            of insurance, oggetto dell'assicurazione, oggetto della garanzia, oggetto, cosa e
            assicurato, che cosa e assicurato, cosa è assicurato, che cosa è assicurato, perils
            insured*, additional coverage*, coberturas, covered services, covered expenses,
            benefits payable, benefits covered, coverages, what your plan covers, we will pay,
            section i coverage*, cobertura, materia asegurada, descripcion de cobertura
            """,
    ),
    Rule(
        "is about the document or its parties",
        Role.OTHER,
        SECTION,
        """
            privacy, personal information, personal data, table of contents, contents, index,
            indice, contact us, contact*, language access, language assistance, nondiscrimination,
            non-discrimination, hipaa, informativa, dati personali, proteccion de datos, foreword,
            introduction, references, cost estimator, coverage example*, signature*, coverage
            examples, disclaimer*, phi, datenschutz, about us, welcome, clinical evidence, revision
            history, policy history, to reach
            """,
    ),
    Rule(
        "mentions an endorsement",
        Role.ENDORSEMENT,
        MENTION,
        "endorsement*, rider*, amendment*, addendum, adicional, nachtrag, appendice",
    ),
    Rule(
        "mentions a claim",
        Role.CLAIMS,
        MENTION,
        "claim, claimant*, settlement, indemnification, reimbursement request*",
    ),
    Rule(
        "mentions a limit",
        Role.LIMIT,
        MENTION,
        """
        deductible, limit, limitation, copay*, co-pay*, co-payment, co-insurance, maximum, excess,
        limite, costs, capitali assicurati
        """,
    ),
    Rule(
        "mentions a duty or the life of the contract",
        Role.CONDITION,
        MENTION,
        """
        cancel*, renew*, nonrenewal, terminat*, subrogat*, recovery action, jurisdiction,
        assignment*, fraud, misrepresentation, concealment, nomination, portability, migration,
        free look, grace period, premium*, disclosure*, eligib*, enrollment, obblighi, obbligo,
        obligation*, obligaciones, duties, recesso, disdetta, durata, decorrenza, surrog*, rivalsa,
        vigencia, terminacion, prima, arbitration, legal action*, transfer of, continuation,
        territor*, territory, severability, multiple policies, moratorium, withdrawal,
        dichiarazioni, pagamento, altre assicurazioni, bedingung*, lapse, reinstatement, revival,
        entire contract, foro, imposte, nomina, prescrizione, declaraciones, comunicacion*,
        condition, disdire, devo pagare, dove vale, quando comincia, right to recover, reservation
        of rights, authority
        """,
    ),
    Rule(
        "mentions a schedule",
        Role.SCHEDULE,
        MENTION,
        """
            schedule, declaration, policy number, named insured, identification card, premium rates
            """,
    ),
)
