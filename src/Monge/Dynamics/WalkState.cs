using Monge.Engine.Programs;

namespace Monge.Dynamics;

/// <summary>One named value that each particle of a walk carries.</summary>
/// <param name="Now">Its value before a step: an <c>Expr.Input</c>, whose name and shape are the state's.</param>
/// <param name="Next">Its value after a step; null if it stays as it was at the start.</param>
/// <param name="Start">
/// Its first value, which may be drawn and may use the <paramref name="Now"/> of states that have no start of their own; null for a state that starts at 0, or
/// is given.
/// </param>
/// <param name="IsGiven">Whether the first value is put in place by the caller before the start.</param>
public sealed record WalkState(Expr Now, Expr? Next, Expr? Start = null, bool IsGiven = false)
{
    /// <summary>The state's name.</summary>
    public string Name => Now.Operation.Name;

    /// <summary>The name of its value after a step.</summary>
    internal string NextName => Name + "Next";
}

/// <summary>In which order, and through which times, a walk takes the steps of a grid.</summary>
public enum WalkDirection
{
    /// <summary>The first step first, through rising times.</summary>
    Forward,

    /// <summary>The last step first: each step leads from its end to its begin.</summary>
    Backward,

    /// <summary>The first step first, through times that rise or fall.</summary>
    Either,
}
