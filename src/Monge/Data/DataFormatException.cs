namespace Monge.Data;

/// <summary>A file does not hold what its format promises: it is truncated, foreign or inconsistent.</summary>
/// <remarks>The message is one complete sentence with the file, the field and the byte or line; it can be shown to a user as it is.</remarks>
public sealed class DataFormatException : Exception
{
    /// <summary>Creates the error for one file.</summary>
    /// <param name="filePath">Path of the file that could not be read.</param>
    /// <param name="detail">What is wrong and where, without the path; ends without a full stop.</param>
    /// <param name="innerException">The error underneath, if any.</param>
    public DataFormatException(string filePath, string detail, Exception? innerException = null)
        : base($"{filePath}: {detail}.", innerException) => FilePath = filePath;

    /// <summary>Path of the file that could not be read, as the caller gave it.</summary>
    public string FilePath { get; }
}
