# SPDX-License-Identifier: Apache-2.0
"""Typed identities. Each is a plain integer at run time; the type only stops mix-ups."""

from typing import NewType

TenantId = NewType("TenantId", int)
MeterId = NewType("MeterId", int)
ProductId = NewType("ProductId", int)
AreaId = NewType("AreaId", int)
CustomerId = NewType("CustomerId", int)
UserId = NewType("UserId", int)
TokenId = NewType("TokenId", int)
AlarmId = NewType("AlarmId", int)
GroupId = NewType("GroupId", int)  # of alarms
RuleId = NewType("RuleId", int)  # that people made
MuteId = NewType("MuteId", int)
ExceptionId = NewType("ExceptionId", int)  # a finding of validation on its way through people's hands
EditId = NewType("EditId", int)  # of a person's edit of a reading, or of an undo
CommandId = NewType("CommandId", int)
BatchId = NewType("BatchId", int)  # commands given together
TagId = NewType("TagId", int)  # of a tag that a utility puts on meters
TaskId = NewType("TaskId", int)  # of a collection task
AreaKindId = NewType("AreaKindId", int)
PremisesId = NewType("PremisesId", int)
AccountId = NewType("AccountId", int)  # of a customer account (户号)
ContactId = NewType("ContactId", int)
InstallationId = NewType("InstallationId", int)  # a meter at an account over time
RouteId = NewType("RouteId", int)  # of a reading route (抄表册)
VisitId = NewType("VisitId", int)  # of what a person found or did at a meter
PhotoId = NewType("PhotoId", int)
OrderId = NewType("OrderId", int)  # of a work order
HazardId = NewType("HazardId", int)
PlanId = NewType("PlanId", int)  # of safety inspections
