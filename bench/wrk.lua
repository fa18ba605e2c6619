-- What wrk measured, as one line of JSON at the end of its output; times are microseconds.
done = function(summary, latency, requests)
   local e = summary.errors
   io.write(string.format(
      '{"requests": %d, "errors": {"connect": %d, "read": %d, "write": %d, "status": %d,'
      .. ' "timeout": %d}, "p50": %d, "p99": %d}\n',
      summary.requests, e.connect, e.read, e.write, e.status, e.timeout,
      latency:percentile(50), latency:percentile(99)))
end
