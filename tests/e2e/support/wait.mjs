// Bounded waiting: every wait of the suite goes through here and says what it waited for.
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function eventually(what, check, { ms = 10000, every = 50 } = {}) {
	const end = Date.now() + ms;
	let last;
	for (;;) {
		try {
			const found = await check();
			if (found) return found;
			last = found;
		} catch (error) {
			last = error;
		}
		if (Date.now() >= end) throw new Error(`waited ${ms} ms in vain: ${what}; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
		await sleep(every);
	}
}
