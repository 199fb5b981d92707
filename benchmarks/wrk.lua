-- Makes each request of wrk one of its own, and tells what became of them as JSON.
-- Arguments: the file of the request, with markers where its number goes; the run's number in 16 hexadecimal digits;
-- every how many requests one is sent twice (0: none).
local parts, run, every
local calls, number = 0, 0
local marker = string.rep("<", 32)

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local text = file:read("*a")
  file:close()
  parts, run, every = {}, arguments[2], tonumber(arguments[3])
  local from = 1
  while true do
    local first, last = text:find(marker, from, true)
    if not first then break end
    parts[#parts + 1] = text:sub(from, first - 1)
    from = last + 1
  end
  parts[#parts + 1] = text:sub(from)
end

function request()
  calls = calls + 1
  if every == 0 or calls % every ~= 0 then number = number + 1 end
  return table.concat(parts, string.format("%s%016x", run, number))
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
