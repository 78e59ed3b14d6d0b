local suspended = obj.spec.suspend == true
local down = obj.spec.interface.state == "Down"
local actions = {}
actions["reconcile"] = { displayName = "Look at the host now", iconClass = "fa fa-fw fa-rotate" }
actions["suspend"] = { disabled = suspended, displayName = "Suspend", iconClass = "fa fa-fw fa-pause" }
actions["resume"] = { disabled = not suspended, displayName = "Resume", iconClass = "fa fa-fw fa-play" }
actions["up"] = { disabled = not down, displayName = "Bring the interface up", iconClass = "fa fa-fw fa-arrow-up" }
actions["down"] = { disabled = down, displayName = "Take the interface down", iconClass = "fa fa-fw fa-arrow-down" }
return actions
