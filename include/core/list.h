/* list - an intrusive doubly linked ring.
 *
 * The head is a link of its own. A link that is in no list points to itself, so removing it again
 * is harmless and list_is_linked() answers for it.
 */
#ifndef RINGWAY_CORE_LIST_H
#define RINGWAY_CORE_LIST_H

#include "core/base.h"

struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

/* True while the link is in some list. */
static inline bool list_is_linked(const struct list *link)
{
    return link->next != link;
}

static inline void list_insert_after(struct list *at, struct list *link)
{
    assert(!list_is_linked(link));
    link->prev = at;
    link->next = at->next;
    at->next->prev = link;
    at->next = link;
}

static inline void list_push_front(struct list *head, struct list *link)
{
    list_insert_after(head, link);
}

static inline void list_push_back(struct list *head, struct list *link)
{
    list_insert_after(head->prev, link);
}

static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* The first link, taken out; NULL when the list is empty. */
static inline struct list *list_pop_front(struct list *head)
{
    struct list *first = head->next;

    if (first == head)
        return NULL;
    list_remove(first);
    return first;
}

/* Moves everything from one list to an empty other one. */
static inline void list_move_all(struct list *from, struct list *to)
{
    assert(list_is_empty(to));
    if (list_is_empty(from))
        return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    list_init(from);
}

#define list_entry(link, type, member) container_of(link, type, member)

#define list_for_each(link, head) \
    for (struct list *link = (head)->next; link != (head); link = link->next)

/* As list_for_each; the current link may be removed by the body. */
#define list_for_each_safe(link, head)                                                \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head); \
         link = link##_next, link##_next = link->next)

#endif
