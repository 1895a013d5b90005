/* SPDX-License-Identifier: Apache-2.0
 *
 * check_model.h - the processor that stands between the models topic and the models in service.
 *
 * Connect it to STORE_VERSIONS and to two children: CHILD_ACCEPTED and CHILD_REJECTED.
 */
#ifndef MODEL_SCORING_CHECK_MODEL_H
#define MODEL_SCORING_CHECK_MODEL_H

#include <kstream/kstream.h>

#define CHILD_ACCEPTED "accept-model"
#define CHILD_REJECTED "reject-model"

extern const ks_processor check_model;

#endif
