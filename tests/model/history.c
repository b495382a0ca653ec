/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "machine.h"
#include "machine_internal.h"

/* The past of memory: a ring of words that changed. */

#define CHANGES UINT64_C(65536)

struct change {
    uint64_t physical;
    bool coherent;
    uint64_t old;
};

static struct change changes[CHANGES];
static uint64_t count, lost;
static bool kept;

void model_history_reset(void)
{
    kept = false;
    count = lost = 0;
}

void model_keep_history(void)
{
    kept = true;
}

bool model_history_kept(void)
{
    return kept;
}

void model_history_add(uint64_t physical, bool coherent, uint64_t old)
{
    model_enter();
    changes[count++ % CHANGES] = (struct change){physical, coherent, old};
    model_leave();
}

uint64_t model_history(void)
{
    return count;
}

uint64_t model_history_lost(void)
{
    return lost;
}

bool model_hw_read64_at(uint64_t physical, bool coherent, uint64_t history, uint64_t *value)
{
    uint64_t oldest = count > CHANGES ? count - CHANGES : 0;

    if (!model_hw_read64(physical, coherent, value)) {
        return false;
    }
    if (history < oldest) {
        lost++;
    }
    for (uint64_t i = history > oldest ? history : oldest; i < count; i++) {
        const struct change *change = &changes[i % CHANGES];
        if (change->physical == physical && change->coherent == coherent) {
            *value = change->old;
            break;
        }
    }
    return true;
}
