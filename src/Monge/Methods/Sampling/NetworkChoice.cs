namespace Monge.Methods;

/// <summary>What the drift network may couple.</summary>
public enum NetworkChoice
{
    /// <summary>The perceptron up to <see cref="PinnOptions.ExactDivergenceLimit"/> coordinates; above, short trainings of both compete.</summary>
    Automatic,

    /// <summary>A perceptron of all coordinates.</summary>
    Mlp,

    /// <summary>
    /// One shared perceptron of each coordinate alone with numbers learned for the coordinate: a structural assumption that holds when the target nearly
    /// factorises in the base's coordinates. It knows nothing of modes, and its divergence is exact and cheap in any dimension.
    /// </summary>
    Separable,
}
