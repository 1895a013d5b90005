/* SPDX-License-Identifier: Apache-2.0
 *
 * dsl.h - what the files of the DSL share: handles, the logical graph, the steps of a public call.
 *
 *      public call --enter--> options copied, names and types checked
 *                  --logical node--> builder's list          (every call, in order)
 *                  --build--> plan (topology/plan.h)          (ks_builder_build)
 *
 * A handle begins with a kind word and its builder. A call that fails latches the mistake in the
 * builder and returns the builder itself in place of the handle: from then on every call is inert.
 *
 * The logical graph mirrors the declarations one by one. What is not known when an operator is
 * declared (does its table need a store, do null keys pass a repartition) is a flag of its logical
 * node, changed by later declarations and read by build.
 *
 * Invariants
 *   D1  The first mistake stays; after it nothing is added.
 *   D2  Every operator takes its indexes in the order in which Kafka Streams takes them, also for
 *       names that are not used in the end.
 *   D3  Logical nodes are never removed; build changes only their members of the build under way.
 *
 * Threads: the builder's.
 */
#ifndef KS_DSL_DSL_H
#define KS_DSL_DSL_H

#include "base/map.h"
#include "topology/plan.h"

#include <kstream/cogroup.h>
#include <kstream/stream.h>
#include <kstream/table.h>

/* ---- handles ---- */

enum ks__kind {
    KS__KIND_BUILDER = 0x6b730001,
    KS__KIND_STREAM,
    KS__KIND_TABLE,
    KS__KIND_GLOBAL_TABLE,
    KS__KIND_SPLIT,
    KS__KIND_GROUPED_STREAM,
    KS__KIND_GROUPED_TABLE,
    KS__KIND_WINDOWED_STREAM,
    KS__KIND_COGROUPED_STREAM,
    KS__KIND_WINDOWED_COGROUPED_STREAM,
    KS__KIND_END_
};

struct ks__handle {
    uint32_t    kind; /* enum ks__kind */
    ks_builder *builder;
};

/* Where data comes from: the sources of a handle's sub-topology, for co-partitioning. */
struct ks__sources {
    struct ks__logical *const *nodes;
    size_t                     count;
};

struct ks_stream {
    struct ks__handle   head;
    struct ks__logical *node;
    const ks_serde     *key;         /* NULL = unknown */
    const ks_serde     *value;
    struct ks__sources  sources;
    bool                rekeyed;     /* needs a repartition before keys can be relied on */
    struct ks__logical *repartition; /* made by a join, used again by the next one */
};

struct ks_table {
    struct ks__handle   head;
    struct ks__logical *node; /* node->table is set */
    const ks_serde     *key;
    const ks_serde     *value;
    struct ks__sources  sources;
};

struct ks_global_table {
    struct ks__handle   head;
    struct ks__logical *node;
    const ks_serde     *key;
    const ks_serde     *value;
    const char         *store;
    bool                queryable;
};

struct ks_grouped_stream {
    struct ks__handle   head;
    struct ks__logical *node;
    const ks_serde     *key;
    const ks_serde     *value;
    struct ks__sources  sources;
    bool                rekeyed;
    const char         *name;        /* of the repartition topic, NULL = the store's */
    struct ks__logical *repartition; /* used again if it has a name of its own */
};

struct ks_grouped_table {
    struct ks__handle   head;
    struct ks__logical *node;        /* chooses key and value */
    const ks_serde     *key;
    const ks_serde     *value;
    const char         *name;        /* of the repartition topic, NULL = the store's */
    struct ks__logical *repartition; /* used again if it has a name of its own */
};

/* ---- logical graph ---- */

enum ks__logical_kind {
    KS__LOGICAL_SOURCE = 1,
    KS__LOGICAL_PROCESSOR,
    KS__LOGICAL_SINK,
    KS__LOGICAL_REPARTITION, /* null-key filter, sink, topic, source */
    KS__LOGICAL_GLOBAL       /* source and table */
};

/* A call of the public interface, for messages. */
struct ks__call {
    const char *function;
    const char *site;  /* NULL = unknown */
    const char *name;  /* NULL = none given */
    const char *after; /* node of the handle that was called on; NULL = none */
};

/* What an operator on streams does, as far as moving a repartition above it goes. */
enum ks__effect {
    KS__EFFECT_NONE = 0,
    KS__EFFECT_KEY,   /* it chooses keys: repartitions below it may be merged right behind it */
    KS__EFFECT_VALUE, /* it makes values: none moves above it */
    KS__EFFECT_ANY    /* user code that may do both: none moves above it, or stops behind it */
};

/* Where a table's rows are. */
enum ks__rows {
    KS__ROWS_SOURCE = 1, /* in its store, once somebody needs them */
    KS__ROWS_STORED,     /* in its store, always */
    KS__ROWS_DERIVED     /* computed from those of its views */
};

/* A table-table join is three nodes: its two sides, and the result. */
enum ks__join_part { KS__JOIN_NONE = 0, KS__JOIN_SIDE, KS__JOIN_RESULT };

/* The table that a logical node keeps or computes. */
struct ks__table_part {
    enum ks__rows         rows;
    struct ks__store_spec store;        /* its name is reserved also while there is no store */
    bool                  materialized; /* the store exists */
    bool                  of_table;     /* aggregates what a table adds and subtracts */
    bool                  queryable;    /* the user named the store */
    bool                  given_history;      /* the options ask for versions */
    int64_t               given_retention_ms; /* what they say, for windows or not */
    bool                  sends_old;    /* somebody downstream needs old values */
    const char           *topic;        /* read from this topic of the user's; NULL = from none */
    struct ks__logical   *keeper;       /* of nodes that share the part: whose store it is */
    bool                  viewed;       /* somebody reads its rows */
    const char           *buffer;       /* a store that its rows are computed from too, or NULL */
    enum ks__join_part    join;
};

/* First member of the arguments of every table operator; filled in by build. */
struct ks__table_args {
    const char *store; /* NULL = not materialized */
    bool        sends_old;
    bool        versioned;       /* the store is */
    bool        versioned_input; /* the table that its rows are computed from is */
};

struct ks__store_use {
    const char           *store;
    struct ks__store_use *next;
};

struct ks__repartition_part {
    const char        *topic;
    const char        *filter_name; /* NULL = no filter: null keys cannot come */
    const char        *sink_name;
    int32_t            partitions;
    const ks_serde    *key;
    const ks_serde    *value;
    ks_partitioner_fn *partitioner;
    void              *partitioner_user;
    bool               movable;   /* made because keys may have changed: may be merged */
    bool               nulls_too; /* null keys pass: something behind it does not group by key */
};

/* A join of two streams as one operator with one store, should both be the same. Part of the merge
 * that ends the join. */
struct ks__self_join {
    struct ks__logical        *keeps[2];  /* left and right; the left one stays */
    struct ks__logical        *sides[2];  /* go */
    const char                *stores[3]; /* the first one stays; NULL = not there */
    const struct ks__op_class *class;     /* of the one operator */
    const void                *args;
    size_t                     args_size;
};

#define KS__VIEWS_MAX 2

struct ks__logical {
    enum ks__logical_kind       kind;
    struct ks__call             call;
    const char                 *name;
    const struct ks__op_class  *class;
    void                       *args; /* copied by build */
    size_t                      args_size;
    void                       *user;
    unsigned                    priority; /* order of build among nodes whose parents are built */
    struct ks__logical        **parents;
    size_t                      parent_count;
    struct ks__store_use       *stores;
    struct ks__logical         *views[KS__VIEWS_MAX]; /* tables that it reads */
    size_t                      view_count;
    struct ks__table_part      *table;       /* NULL = no table */
    struct ks__repartition_part *repartition; /* KS__LOGICAL_REPARTITION */
    struct ks__logical         *merged_into; /* a source of the same topics that stands before */
    bool                        null_keys;   /* an outer side: null keys must reach it */
    bool                        exclusive;   /* KS__LOGICAL_SOURCE: no second stream shares it */
    const char                 *source_name; /* KS__LOGICAL_GLOBAL: `name` is the table's */
    void                       *keeper; /* ks__processor_args of who fills a store from a topic */
    enum ks__effect             effect;
    bool                        merges;      /* ks_stream_merge() */
    struct ks__self_join       *self;        /* the merge of a join of streams */
    /* Of the build under way (rewrite.h). */
    struct ks__logical **now;       /* parents in this build, none twice */
    size_t               now_count;
    struct ks__logical  *instead;   /* it is not built: this one stands for it */
    bool                 gone;      /* it is not built */
    bool                 made;      /* by this build: stands right behind its parent */
    bool                 joins_self; /* built as what `self` says */
    unsigned             mark;
    struct ks__logical  *origin;    /* repartitions: the change of key that made it needed */
    struct ks__logical  *moved_behind; /* this merged topic */
    struct ks__logical  *fed_by;    /* this merged topic in place of its own */
    struct ks__node     *built;     /* the node whose children the logical children are */
    bool                 lets_nulls; /* something below has null_keys */
};

/* Sources that must be co-partitioned. */
struct ks__copartition_request {
    struct ks__sources              sources;
    const char                     *asker;
    struct ks__copartition_request *next;
};

/* A store of processors. */
struct ks__store_part {
    struct ks__store_spec  spec;
    bool                   left_out; /* of the build under way */
    struct ks__store_part *next;
};

struct ks_builder {
    struct ks__handle               head;
    ks_error                        error;
    ks_error                        build_error;   /* of the last build */
    unsigned                        optimization;  /* topology/optimization.h */
    bool                            explicit_names; /* generated ones of stores are refused */
    struct ks__owned               *owned;
    unsigned                        next_index;    /* of generated names */
    unsigned                        next_priority;
    struct ks__logical            **nodes;
    size_t                          node_count, node_capacity;
    struct ks__map                  names;       /* node name -> struct ks__logical * */
    struct ks__map                  store_names; /* taken names of stores */
    struct ks__map                  serde_names;
    struct ks__copartition_request *copartitions; /* newest first */
    struct ks__store_part          *stores, **stores_end;
};

/* ---- a public call (enter.c) ---- */

/* Is it a handle of this kind whose builder has no mistake? Copies `options` (NULL = defaults) into
 * `copy` of `size` bytes and fills in `*call`; the name in it is checked. False: return
 * ks__inert(). */
bool ks__enter(const void *handle, enum ks__kind kind, const char *function, const void *options,
               void *copy, size_t size, struct ks__call *call);
/* The same for more options of a call that was entered; theirs is the place of the call if it has
 * none yet. */
bool ks__enter_more(ks_builder *b, struct ks__call *call, const void *options, void *copy,
                    size_t size);
/* The same for a static table of functions, which has no place. */
bool ks__enter_functions(ks_builder *b, const struct ks__call *call, const void *table,
                         void *copy, size_t size);
/* A second handle of the call: of this kind, and of the same builder? */
bool ks__enter_other(ks_builder *b, const struct ks__call *call, const void *handle,
                     enum ks__kind kind, const char *what);
/* What a call on this handle returns when it does nothing: the builder, or NULL. */
void *ks__inert(const void *handle);
/* Latch a mistake (D1): "site: function "name": text". Returns NULL for convenience. */
void *ks__latch(ks_builder *b, const struct ks__call *call, ks_status status, const char *format,
                ...) KS__PRINTF(4, 5);
/* Latch KS_EINVAL unless the function is there. */
bool ks__need(ks_builder *b, const struct ks__call *call, bool given, const char *what);
void *ks__latch_no_memory(ks_builder *b);

/* ---- names (naming.c) ---- */

/* prefix + the next index; NULL = no memory, latched. */
const char *ks__generate(ks_builder *b, const char *prefix);
/* A store's: prefix + "STATE-STORE-" + the next index. */
const char *ks__generate_store(ks_builder *b, const char *prefix);
/* Take an index; the given name if there is one, else the generated one. */
const char *ks__choose_name(ks_builder *b, const char *given, const char *prefix);
/* Two texts in the builder's memory. */
const char *ks__join_text(ks_builder *b, const char *text, const char *suffix);
/* Is it a name Kafka allows for topics, nodes and stores? Latches. */
bool ks__check_name(ks_builder *b, const struct ks__call *call, const char *what,
                    const char *name);
/* The name of a table's store: as the options say, else generated, which takes an index. */
const char *ks__store_name(ks_builder *b, const struct ks__call *call,
                           const ks_materialized *options, const char *prefix);
/* Enter a name; latches KS_EEXISTS. */
bool ks__take_node_name(ks_builder *b, const struct ks__call *call, const char *name,
                        struct ks__logical *node);
bool ks__take_store_name(ks_builder *b, const struct ks__call *call, const char *name);
struct ks__logical *ks__find_node(const ks_builder *b, const char *name);

/* ---- types (types.c) ---- */

/* What a declaration makes of a type: the declared one, which must fit the found one, else latches
 * KS_ETYPE. `options` names the macro for the advice ("KS_PRODUCED"), `member` the member. */
struct ks__found {
    const ks_serde *serde;
    const char     *yielder; /* node that yields it */
    const char     *options; /* macro for the advice, "KS_PRODUCED" */
};
bool ks__agree(ks_builder *b, const struct ks__call *call, const char *member,
               const ks_serde **declared, const struct ks__found *found);
/* The same for the keys of the two sides of a join, which no declaration can reconcile. */
bool ks__agree_keys(ks_builder *b, const struct ks__call *call, const ks_serde **declared,
                    const struct ks__found *left, const struct ks__found *right);

/* ---- logical nodes (logical.c) ---- */

/* A new node under `parents` (equal ones count once); NULL = latched. Args are copied. */
struct ks__logical_seed {
    enum ks__logical_kind      kind;
    const char                *name;
    const struct ks__op_class *class;
    const void                *args;
    size_t                     args_size;
    void                      *user;
    struct ks__logical *const *parents;
    size_t                     parent_count;
};
struct ks__logical *ks__logical_add(ks_builder *b, const struct ks__call *call,
                                    const struct ks__logical_seed *seed);
/* Stand later in the build, as if declared now. */
void ks__logical_touch(ks_builder *b, struct ks__logical *node);
void ks__logical_use_store(ks_builder *b, struct ks__logical *node, const char *store);
/* Read the rows of a table: sees to it that they can be read. */
void ks__logical_view(struct ks__logical *node, struct ks__logical *table);

/* One operator after a stream, which carries key and types along; NULL never: inert if latched. */
ks_stream *ks__stream_append(ks_stream *s, const struct ks__call *call,
                             const struct ks__op_class *class, const void *args,
                             size_t args_size, void *user);
/* The handle of a node with its parent's sources and types. */
ks_stream *ks__stream_make(ks_stream *like, struct ks__logical *node);
/* What the operator after `s` declares of types that it carries along must agree; the declarations
 * become the result. */
bool ks__stream_carry(const ks_stream *s, const struct ks__call *call, ks_named *options);
bool ks__stream_carry_key(const ks_stream *s, const struct ks__call *call, const ks_serde **key);
/* Set types, mark as rekeyed, say what its operator changes; inert handles stay as they are. */
ks_stream *ks__stream_typed(ks_stream *s, const ks_serde *key, const ks_serde *value);
ks_stream *ks__stream_rekeyed(ks_stream *s);
ks_stream *ks__stream_effect(ks_stream *s, enum ks__effect effect);
ks_table *ks__table_make(ks_builder *b, struct ks__logical *node, const ks_serde *key,
                         const ks_serde *value, struct ks__sources sources);
struct ks__sources ks__sources_of(ks_builder *b, struct ks__logical *node);
struct ks__sources ks__sources_union(ks_builder *b, struct ks__sources a, struct ks__sources c);
void ks__copartition(ks_builder *b, struct ks__sources sources, const char *asker);

/* ---- tables (tables.c) ---- */

/* Are the options more than a name? Kafka: was a Materialized given. */
bool ks__is_materialized(const ks_materialized *options);
/* The store of a table, from its options; the name is chosen by the caller. */
void ks__table_store(struct ks__table_part *part, const char *name, const ks_materialized *options,
                     const ks_serde *key, const ks_serde *value);
/* Give the node a table; takes the name of a store that exists. False = latched. */
bool ks__table_attach(ks_builder *b, const struct ks__call *call, struct ks__logical *node,
                      const struct ks__table_part *part);
/* Ask for old values: false when it would need a store that is not forced. */
bool ks__table_send_old(struct ks__logical *node, bool force);
/* Has it a history, in its store or in the one that its rows are computed from? */
bool ks__table_is_versioned(const struct ks__logical *node);
/* How much of it is kept; 0 if it has none. */
int64_t ks__table_history_ms(const struct ks__logical *node);
/* Ask for rows: sources get their store. */
void ks__table_make_readable(struct ks__logical *node);

/* ---- stores of operators (stores.c) ---- */

/* Declare a store; takes its name. Nodes use it by ks__logical_use_store(). */
bool ks__store_add(ks_builder *b, const struct ks__call *call, const struct ks__store_spec *spec);
/* Make lines of the configuration of its changelog, as options have it; the text is copied. */
bool ks__topic_lines(ks_builder *b, const struct ks__call *call, struct ks__store_spec *spec);
/* Latches a negative time to live. */
bool ks__check_ttl(ks_builder *b, const struct ks__call *call, int64_t ttl_ms);

/* ---- sources and repartitions ---- */

/* Latch a topic that another source reads already. `*same` (may be NULL: not allowed) gets a source
 * of exactly these topics with the same options. */
bool ks__claim_topics(ks_builder *b, const struct ks__call *call,
                      const struct ks__source_args *args, struct ks__logical **same);
/* Fill in source arguments from options; topics are copied and checked. */
bool ks__source_args_make(ks_builder *b, const struct ks__call *call, const char *const *topics,
                          size_t count, const ks_consumed *options, struct ks__source_args *args);
/* The same for all topics that a regular expression matches. */
bool ks__source_args_match(ks_builder *b, const struct ks__call *call, const char *text,
                           const ks_consumed *options, struct ks__source_args *args);
/* A topic between `parent` and what follows; takes three indexes. Names as in Kafka: generated ones
 * after a generated prefix. With `again` not NULL that node is used once more instead. */
struct ks__repartition_seed {
    const char         *prefix;
    const ks_serde     *key;
    const ks_serde     *value;
    int32_t             partitions;
    ks_partitioner_fn  *partitioner;
    void               *partitioner_user;
    struct ks__logical *again;
    bool                asked_for; /* by the user: stays where it is */
    bool                stays; /* `again` keeps its place in the build */
};
struct ks__logical *ks__repartition_add(ks_builder *b, const struct ks__call *call,
                                        struct ks__logical *parent,
                                        const struct ks__repartition_seed *seed);

/* The stream with equal keys together: through a topic named after `prefix`, if given, else after
 * the stream, and then used again by the next who asks. False = latched. */
struct ks__gathering {
    const char     *prefix;
    const ks_serde *key;
    const ks_serde *value;
};
bool ks__stream_gather(ks_stream *s, const struct ks__call *call,
                       const struct ks__gathering *how, ks_stream *gathered);

/* ---- operators that several files name ---- */

extern const struct ks__op_class ks__pass_class;
extern const struct ks__op_class ks__null_key_filter_class;
extern const struct ks__op_class ks__select_key_class;
extern const struct ks__op_class ks__table_source_class;

struct ks__null_key_filter_args {
    bool pass; /* null keys too */
};

struct ks__select_key_args {
    ks_selector_fn *select;
};

#endif
