obj.spec.interface.state = "Down"
return obj
