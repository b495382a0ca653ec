/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_BENCH_IMAGE_SUITE_H
#define TESTS_BENCH_IMAGE_SUITE_H

#include "drivers/iommu/core/core.h"

/* The benchmarks that run in the image, through the interface tables: cases E and G of the suite,
 * and the name of F, which the bring-up has marked. After the drivers have ended. */
void bench_image(struct iommu *iommu);

#endif
