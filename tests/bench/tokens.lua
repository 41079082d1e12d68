-- wrk: each request carries the next of the tokens in the file that BENCH_TOKENS names.
local tokens = {}
for line in io.lines(os.getenv("BENCH_TOKENS")) do
	tokens[#tokens + 1] = wrk.format("GET", "/orders/17", { Host = "bench", Authorization = "Bearer " .. line })
end
local at = 0
request = function()
	at = at % #tokens + 1
	return tokens[at]
end
done = function(summary, latency)
	local e = summary.errors
	io.write(string.format("RESULT %.0f %.0f %.0f %d\n", summary.requests / summary.duration * 1e6,
		latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
