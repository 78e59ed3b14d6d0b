-- Follows kstatus, and says Suspended and Degraded where kstatus has no word for it.
local health = { status = "Progressing", message = "Waiting for the controller" }
if obj.spec ~= nil and obj.spec.suspend == true then
  health.status = "Suspended"
  health.message = "spec.suspend is set: nothing is sent to the host"
  return health
end
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end
local ready = nil
local stalled = false
for _, condition in ipairs(obj.status.conditions or {}) do
  if condition.type == "Ready" then
    ready = condition
  end
  if condition.type == "Stalled" and condition.status == "True" then
    stalled = true
  end
end
if ready == nil then
  return health
end
health.message = ready.message
if stalled then
  health.status = "Degraded"
elseif ready.status == "True" then
  health.status = "Healthy"
end
return health
