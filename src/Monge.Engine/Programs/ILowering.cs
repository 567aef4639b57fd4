using Monge.Engine.Lanes;

namespace Monge.Engine.Programs;

/// <summary>The ways in which the tile machine computes a node, from which an operation chooses the one it is lowered to.</summary>
internal interface ILowering
{
    /// <summary>By a kernel of the operation's own.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="arguments">The values it reads, in the order in which it numbers them.</param>
    void Run(LaneKernel kernel, params ReadOnlySpan<Expr> arguments);
}
