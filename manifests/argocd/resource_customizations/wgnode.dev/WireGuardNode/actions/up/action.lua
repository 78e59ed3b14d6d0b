obj.spec.interface.state = "Up"
return obj
