"""The rule of each command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from console.model import commands as cmd
from console.model.decide import (
    alerts,
    baselines,
    changes,
    decisions,
    escalation,
    incidents,
    pager,
    proofs,
    response,
    rollback,
    rollout,
    rollout_back,
    rollout_seen,
    runs,
    shifts,
)
from console.model.decide.announce import announce
from console.model.decide.context import Batch, Context
from console.model.decide.find import refuse_elsewhere
from console.model.state import State

_RULES: dict[type[cmd.Command], Callable[[State, Any, Context], list[Batch]]] = {
    cmd.DeclareIncident: incidents.declare,
    cmd.AcknowledgeIncident: incidents.acknowledge,
    cmd.UnacknowledgeIncident: incidents.unacknowledge,
    cmd.Escalate: escalation.escalate,
    cmd.ChangeState: incidents.change_state,
    cmd.ChangeSeverity: incidents.change_severity,
    cmd.LinkAlerts: incidents.link_alerts,
    cmd.AssignRole: incidents.assign_role,
    cmd.AddNote: incidents.add_note,
    cmd.MergeIncident: incidents.merge,
    cmd.PostUpdate: response.post_update,
    cmd.SetTime: response.set_time,
    cmd.RecordImpact: response.record_impact,
    cmd.AddTask: response.add_task,
    cmd.AssignTask: response.assign_task,
    cmd.EndTask: response.end_task,
    cmd.RecordDecision: response.record_decision,
    cmd.ObserveDecision: response.observe_decision,
    cmd.Correct: response.correct,
    cmd.AcknowledgeAlerts: alerts.acknowledge,
    cmd.UnacknowledgeAlert: alerts.unacknowledge,
    cmd.JudgeAlert: alerts.judge,
    cmd.CreateSilence: changes.create_silence,
    cmd.ExtendSilence: changes.extend_silence,
    cmd.ExpireSilence: changes.expire_silence,
    cmd.RecordChange: changes.record,
    cmd.SettleChange: changes.settle,
    cmd.HandOverChange: changes.hand_over,
    cmd.RetryDelivery: pager.retry_delivery,
    cmd.LinkPager: pager.link,
    cmd.ReassignPage: pager.reassign,
    cmd.ObserveOnCall: pager.observe_on_call,
    cmd.ObservePhase: pager.observe_phase,
    cmd.RecordProof: pager.record_proof,
    cmd.StartRun: rollout_back.start_run,
    cmd.CompleteStep: runs.complete,
    cmd.FailStep: runs.fail,
    cmd.RetryStep: runs.retry,
    cmd.SkipStep: runs.skip,
    cmd.ExpireStep: runs.expire,
    cmd.AbortRun: runs.abort,
    cmd.HoldRun: runs.hold,
    cmd.ResumeRun: rollout_back.resume_run,
    cmd.TakeStep: runs.take,
    cmd.ConfirmStep: runs.confirm,
    cmd.SetFlag: runs.set_flag,
    cmd.RunProgram: runs.run_program,
    cmd.SendNotice: runs.send_notice,
    cmd.TrustPlaybook: runs.trust,
    cmd.RecordBaseline: baselines.record,
    cmd.Attest: decisions.attest,
    cmd.Approve: decisions.approve,
    cmd.Decide: decisions.decide,
    cmd.RenewProof: proofs.renew,
    cmd.ProveWritePath: proofs.prove,
    cmd.BeginRollout: rollout.begin,
    cmd.SetShare: rollout.set_share,
    cmd.SettleWrite: rollout.settle_write,
    cmd.HoldRollout: rollout.hold,
    cmd.ReleaseRollout: rollout.release,
    cmd.AbortRollout: rollout.abort,
    cmd.FinishRollout: rollout.finish,
    cmd.StartRollback: rollout_back.start,
    cmd.StartCountdown: rollout_back.start_countdown,
    cmd.CancelCountdown: rollout_back.cancel_countdown,
    cmd.ObserveRollback: rollout_back.ended,
    cmd.PredictRollback: rollback.predict,
    cmd.MeasureRollback: rollback.measure,
    cmd.ObserveShare: rollout_seen.observe_share,
    cmd.ObserveGuardrail: rollout_seen.observe_guardrail,
    cmd.BeginShift: shifts.begin,
    cmd.EndShift: shifts.end,
    cmd.AddWatchItem: shifts.add_watch,
    cmd.CloseWatchItem: shifts.close_watch,
    cmd.OfferHandoff: shifts.offer,
    cmd.AnswerHandoffItem: shifts.answer_item,
    cmd.AcceptHandoff: shifts.accept,
    cmd.WithdrawHandoff: shifts.withdraw,
}


def decide(state: State, command: cmd.Command, context: Context) -> list[Batch]:
    """The batches to append, all or nothing. Raises Refusal with one line for the operator."""
    refuse_elsewhere(state, command, context)
    batches = _RULES[type(command)](state, command, context)
    return [*batches, *announce(state, batches, context)]
