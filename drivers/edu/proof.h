/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_EDU_PROOF_H
#define DRIVERS_EDU_PROOF_H

#include "drivers/edu/edu.h"

/*
 * The refusal proof. Memory is the judge, never the device's word: every page of the proof carries
 * a canary, and each refused access is framed by accesses that must work.
 *
 *   DMA-ALLOW-nnn  an access that the domain allows reaches memory
 *   DMA-DENY-nnn   an access that it does not allow changes nothing and learns nothing
 *   DMA-FAULT-nnn  the refusal of DMA-DENY-nnn was recorded with the right address and kind
 *   EDU-FAULT-nnn  the handler of SetDeviceFaultReporting was told of it: address, type and domain;
 *                  of a detached device it is told nothing
 *
 * Ids are stable and never renumbered.
 */

/* Runs the whole proof and reports every id once. False: it could not be run. */
bool proof_run(struct edu *edu);

/* Reports every id as `result` (DRIVER_SKIP or DRIVER_UNDECIDED). Returns false, for the caller to
 * return. */
bool proof_not_run(struct driver_device *device, enum driver_result result, const char *reason);

#endif
