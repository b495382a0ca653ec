/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "lib/lock.h"

bool lock_void;
