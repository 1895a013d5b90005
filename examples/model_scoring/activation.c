/* SPDX-License-Identifier: Apache-2.0
 *
 * activation.c - see activation.h.
 */
#include <math.h>

#include "activation.h"

double activation_identity(double x)
{
    return x;
}

double activation_logistic(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

double activation_rectifier(double x)
{
    return x > 0.0 ? x : 0.0;
}

/* The largest is taken off first, so that no exp() overflows. */
void activation_softmax(size_t count, const double *in, double *out)
{
    double largest = in[0], sum = 0.0;

    for (size_t i = 1; i < count; i++)
        largest = fmax(largest, in[i]);
    for (size_t i = 0; i < count; i++)
        sum += out[i] = exp(in[i] - largest);
    for (size_t i = 0; i < count; i++)
        out[i] /= sum;
}
