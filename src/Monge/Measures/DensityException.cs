namespace Monge.Measures;

/// <summary>A density that can't be used: its message says which, where and what to do, in one sentence.</summary>
public sealed class DensityException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    /// <param name="cause">The error underneath, if there is one.</param>
    public DensityException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}
