namespace Monge.Engine.Execution;

/// <summary>The number type of the elements of an array, a tile or a kernel.</summary>
public enum ElementType
{
    /// <summary>IEEE 754 binary32 (4 bytes).</summary>
    Float32,

    /// <summary>IEEE 754 binary64 (8 bytes).</summary>
    Float64,
}
