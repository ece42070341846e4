"""What the Redis server does in one step, so that no two workers do it at once."""

# KEYS: items, files, job, targets · ARGV: job's id, then source and target of each file
ADD = """
local new = 0
for i = 2, #ARGV, 2 do
  if redis.call('HSETNX', KEYS[2], ARGV[i], 'queued') == 1 then
    redis.call('XADD', KEYS[1], '*', 'job', ARGV[1], 'source', ARGV[i], 'target', ARGV[i + 1],
               'attempt', '1')
    redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 1])
    new = new + 1
  end
end
redis.call('HINCRBY', KEYS[3], 'total', new)
return new
"""

# KEYS: items, files, job · ARGV: group, handle, source, state, counter, seconds of audio
# A job that was cancelled may have been submitted again before its files were dropped.
FINISH = """
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XDEL', KEYS[1], ARGV[2])
if redis.call('EXISTS', KEYS[3]) == 1 then
  if ARGV[5] == 'cancelled' and redis.call('HEXISTS', KEYS[3], 'stopped') == 0 then
    redis.call('XADD', KEYS[1], '*', unpack(entry[1][2]))
    return 0
  end
  redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
  redis.call('HINCRBY', KEYS[3], ARGV[5], 1)
  redis.call('HINCRBYFLOAT', KEYS[3], 'audio_s', ARGV[6])
end
return 1
"""

# KEYS: items, later · ARGV: group, handle, due, the item as JSON, consumer
RETRY = """
local mine = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1, ARGV[5])
if #mine == 0 then return 0 end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
return 1
"""

# KEYS: items, later · ARGV: now, most
DUE = """
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, text in ipairs(due) do
  local item = cjson.decode(text)
  redis.call('XADD', KEYS[1], '*', 'job', item.job, 'source', item.source, 'target', item.target,
             'attempt', tostring(item.attempt))
  redis.call('ZREM', KEYS[2], text)
end
return #due
"""

# KEYS: items · ARGV: group, consumer, handles
RENEW = """
local lost = {}
for i = 3, #ARGV do
  local mine = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])
  if #mine == 0 then
    lost[#lost + 1] = ARGV[i]
  else
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  end
end
return lost
"""

# KEYS: items · ARGV: group, consumers. What a consumer holds would be lost with it.
FORGET = """
for i = 2, #ARGV do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[i]) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[i])
  end
end
"""

# KEYS: items, files, job, targets · ARGV: job's id, source, outcome
AGAIN = """
local state = redis.call('HGET', KEYS[2], ARGV[2])
if not state or string.sub(state, 1, #ARGV[3]) ~= ARGV[3] then return 0 end
local target = redis.call('HGET', KEYS[4], ARGV[2])
redis.call('XADD', KEYS[1], '*', 'job', ARGV[1], 'source', ARGV[2], 'target', target,
           'attempt', '1')
redis.call('HSET', KEYS[2], ARGV[2], 'queued')
redis.call('HINCRBY', KEYS[3], ARGV[3], -1)
return 1
"""
