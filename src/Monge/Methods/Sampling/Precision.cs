namespace Monge.Methods;

/// <summary>The number format of networks, particles and training.</summary>
public enum Precision
{
    /// <summary>32-bit floating point: the default.</summary>
    Float32,

    /// <summary>64-bit floating point: about two to three times slower.</summary>
    Float64,
}
