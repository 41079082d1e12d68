#include "server/parked.h"

#include "core/secret.h"

#include <stdlib.h>

static void unlink_parked(struct parked *p)
{
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
}

static void become_ready(struct parked *p)
{
	struct parked_list *list = conn_parked(p->conn);
	p->is_ready = true;
	p->next = NULL;
	p->link = list->last;
	*list->last = p;
	list->last = &p->next;
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct parked *p = timer->data;
	(void)loop;
	(void)events;
	p->late = true;
	if (p->is_ready) /* its connection does not take what it has already */
		return;
	unlink_parked(p);
	become_ready(p);
	p->parking->ready(p->conn);
}

struct parked *parking_add(struct parking *parking, struct conn *conn,
                           const struct spop_frame *frame)
{
	struct sv payload = frame->payload;
	if (parking->n >= PARKED_MAX || parking->n_bytes + payload.n > PARKED_MAX_BYTES)
		return NULL;
	struct parked *p = calloc(1, sizeof(*p) + payload.n);
	if (!p)
		return NULL;
	p->parking = parking;
	p->conn = conn;
	p->stream_id = frame->stream_id;
	p->frame_id = frame->frame_id;
	p->n = payload.n;
	if (payload.n)
		memcpy(p->payload, payload.at, payload.n);
	parking->n++;
	parking->n_bytes += payload.n;
	conn_parked(conn)->n++;
	ev_timer_init(&p->deadline, on_deadline, parking->deadline_s, 0.);
	p->deadline.data = p;
	return p;
}

void parking_set_deadline(struct parked *p, double seconds)
{
	ev_timer_set(&p->deadline, seconds, 0.);
}

/* A digest is uniform, so its first bytes place it. */
static struct parked **bucket_of(struct parking *parking, const uint8_t key[SHA256_BYTES])
{
	return &parking->waiting[(key[0] | (unsigned)key[1] << 8) % PARKING_BUCKETS];
}

void parking_wait(struct parked *p, const uint8_t key[SHA256_BYTES])
{
	struct parked **bucket = bucket_of(p->parking, key);
	memcpy(p->key, key, SHA256_BYTES);
	p->n_asked++;
	p->is_ready = false;
	p->next = *bucket;
	p->link = bucket;
	if (p->next)
		p->next->link = &p->next;
	*bucket = p;
	if (p->n_asked > 1)
		return;
	/* the loop's clock stands since this turn began */
	ev_now_update(p->parking->loop);
	ev_timer_start(p->parking->loop, &p->deadline);
}

void parking_answered(struct parking *parking, const uint8_t key[SHA256_BYTES], bool is_good)
{
	for (struct parked *p = *bucket_of(parking, key), *next; p; p = next) {
		next = p->next;
		if (memcmp(p->key, key, SHA256_BYTES) != 0)
			continue;
		p->is_good = is_good;
		unlink_parked(p);
		become_ready(p);
	}
}

struct parked *parked_take(struct parked_list *list)
{
	struct parked *p = list->first;
	if (!p)
		return NULL;
	list->first = p->next;
	if (p->next)
		p->next->link = &list->first;
	else
		list->last = &list->first;
	return p;
}

void parked_free(struct parked *p)
{
	if (!p)
		return;
	ev_timer_stop(p->parking->loop, &p->deadline);
	p->parking->n--;
	conn_parked(p->conn)->n--;
	p->parking->n_bytes -= p->n;
	secret_wipe(p->payload, p->n);
	free(p);
}

void parking_drop(struct parking *parking, struct conn *conn)
{
	for (size_t i = 0; parking->n > 0 && i < PARKING_BUCKETS; i++) {
		for (struct parked *p = parking->waiting[i], *next; p; p = next) {
			next = p->next;
			if (p->conn != conn)
				continue;
			unlink_parked(p);
			parked_free(p);
		}
	}
	struct parked *p;
	while ((p = parked_take(conn_parked(conn))))
		parked_free(p);
}
