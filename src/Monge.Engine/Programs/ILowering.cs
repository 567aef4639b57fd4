using Monge.Engine.Lanes;

namespace Monge.Engine.Programs;

/// <summary>
/// The ways in which the tile machine computes a node. An operation chooses one in <see cref="Operation.Lower"/>, which the machine asks twice: when it plans
/// what is read and stored, and when it makes the kernels.
/// </summary>
internal interface ILowering
{
    /// <summary>By nothing: the value comes from outside.</summary>
    void Given();

    /// <summary>By random numbers, fresh for each sample and step.</summary>
    void Draw(RandomLaw law, int stream);

    /// <summary>In a loop fused with its neighbours': an elementwise operation or a reduction.</summary>
    void Fuse();

    /// <summary>By looking at the argument of a view through strides, or by a copy.</summary>
    void View();

    /// <summary>By a copy of all arguments, one after the other along an axis.</summary>
    void Join(int axis);

    /// <summary>By a matrix product of the two arguments.</summary>
    void Multiply();

    /// <summary>By the kernels of a scan's step, again and again.</summary>
    void Loop();

    /// <summary>By a kernel of the operation's own.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="arguments">The values it reads, in the order in which it numbers them.</param>
    void Run(LaneKernel kernel, params ReadOnlySpan<Expr> arguments);
}
