namespace Monge.Engine.Lanes;

/// <summary>The number format of a lane.</summary>
public enum ElementType
{
    /// <summary>IEEE 754 binary32, for training.</summary>
    Float32,

    /// <summary>IEEE 754 binary64, for accuracy.</summary>
    Float64,
}
