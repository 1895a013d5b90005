/* SPDX-License-Identifier: Apache-2.0
 *
 * activation.h - what a neuron makes of its sum; tanh() is the C library's.
 */
#ifndef MODEL_SCORING_ACTIVATION_H
#define MODEL_SCORING_ACTIVATION_H

#include <stddef.h>

double activation_identity(double x);
double activation_logistic(double x);
double activation_rectifier(double x);

/* Shares that add up to 1; `in` and `out` may be the same. At least one value. */
void activation_softmax(size_t count, const double *in, double *out);

#endif
