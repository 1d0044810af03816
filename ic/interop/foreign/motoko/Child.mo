// What a Spawner spawns.
persistent actor class Child(name : Text) {
  var greetings = 0;
  public func greet() : async Text { greetings += 1; name # " says " # debug_show greetings };
};
