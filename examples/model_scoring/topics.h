/* SPDX-License-Identifier: Apache-2.0
 *
 * topics.h - the names that publisher, topology and report have in common.
 *
 *      mdata ------------------------> score <--- models (global table) <--- models-accepted
 *      models --> check --> models-accepted         |
 *                   |                               +--> scores
 *                   +-----> errors <----------------+--> statistics (store)
 */
#ifndef MODEL_SCORING_TOPICS_H
#define MODEL_SCORING_TOPICS_H

#define TOPIC_WINES    "mdata"           /* key: row as i64, value: see wine.h                  */
#define TOPIC_MODELS   "models"          /* key: MODELS_KEY, value: see envelope.h; 1 partition */
#define TOPIC_ACCEPTED "models-accepted" /* the same, only models that parse; compacted         */
#define TOPIC_SCORES   "scores"          /* key: row, value: see score.h                        */
#define TOPIC_ERRORS   "errors"          /* key and value as they came; headers: see refusal.h  */

#define STORE_MODELS     "models"            /* global: MODELS_KEY to the newest accepted model */
#define STORE_VERSIONS   "accepted-versions" /* MODELS_KEY to the version accepted last, i64    */
#define STORE_STATISTICS "statistics"        /* see statistics_key() to struct statistics       */

/* What the models are about. One of them is in service at a time: the newest accepted. */
#define MODELS_KEY "wine"

#endif
