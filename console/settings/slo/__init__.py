"""The files of `slo/`: OpenSLO v1 and our own kinds, and read-only what Sloth, Pyrra and OpenSLO v1alpha say.

reader     documents of any of them, from all the files together: names resolve across files
openslo    openslo/v1: SLO, SLI, DataSource, AlertPolicy, AlertCondition, AlertNotificationTarget, Service
alpha      openslo/v1alpha
sloth      prometheus/v1 and sloth.slok.dev/v1: PrometheusServiceLevel, AlertWindows
pyrra      pyrra.dev/v1alpha1: ServiceLevelObjective
guards     oncall/v1: Guardrail and Invariant; schema is what is published of them
declared   what all of these say, and the objective that it makes
convert    the same as OpenSLO v1
queries    how a query of any of them meets a window; spans: lengths of time and windows
"""
