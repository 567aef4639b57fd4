using System.Collections.Concurrent;

namespace Monge.Data;

/// <summary>
/// A file that appears under its name complete or not at all: bytes go to a temporary name in the same directory,
/// are flushed to the disk, and the temporary is renamed over the target by <see cref="Commit"/>.
/// </summary>
/// <remarks>
/// Disposing without a commit removes the temporary and leaves an earlier file of that name as it was; so does the orderly end of a process that left a
/// thread behind in the middle of writing.
/// </remarks>
public sealed class AtomicFile : IDisposable
{
    private static readonly ConcurrentDictionary<string, bool> s_unfinished = [];

    private readonly string temporaryPath;
    private readonly FileStream stream;
    private bool committed;
    private bool disposed;

    static AtomicFile() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (string path in s_unfinished.Keys)
            File.Delete(path);
    };

    /// <summary>Opens the temporary file beside the target.</summary>
    /// <param name="path">The name under which the file shall appear; its directory must exist.</param>
    /// <exception cref="IOException">The directory is missing or can't be written, or the name is a directory.</exception>
    public AtomicFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = path;
        string directory = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) ?? throw new IOException($"{path}: is not the name of a file.");
        if (Directory.Exists(path))
            throw new IOException($"{path}: can't be written because it is a directory.");
        if (!Directory.Exists(directory))
            throw new IOException($"{path}: can't be written because the directory {directory} does not exist.");
        temporaryPath = System.IO.Path.Combine(directory, $".{Guid.NewGuid():N}.tmp");
        try
        {
            stream = new FileStream(temporaryPath, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16);
            s_unfinished[temporaryPath] = true;
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new IOException(
                $"{path}: can't be written because the directory {directory} refuses new files "
                + $"({(error is UnauthorizedAccessException ? "permission denied" : error.Message)}).", error);
        }
    }

    /// <summary>The name under which the file appears after <see cref="Commit"/>.</summary>
    public string Path { get; }

    /// <summary>The stream to write to; seekable, so that a header can be patched at the end.</summary>
    public Stream Stream => stream;

    /// <summary>Flushes everything to the disk and renames the temporary over the target.</summary>
    /// <exception cref="IOException">The disk is full or the target can't be replaced; the temporary is then removed.</exception>
    /// <exception cref="InvalidOperationException">The file was already committed or disposed.</exception>
    public void Commit()
    {
        if (committed || disposed)
            throw new InvalidOperationException($"{Path}: was already committed or given up.");
        try
        {
            stream.Flush(flushToDisk: true);
            stream.Dispose();
            File.Move(temporaryPath, Path, overwrite: true);
            committed = true;
            s_unfinished.TryRemove(temporaryPath, out _);
        }
        catch (UnauthorizedAccessException error)
        {
            Dispose();
            throw new IOException($"{Path}: can't be replaced (permission denied).", error);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Removes the temporary file unless it was committed.</summary>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        try
        {
            stream.Dispose();
        }
        catch (IOException) when (!committed)
        {
            // The last flush of a file that is given up may fail (disk full); the reason for giving it up is the error to report.
        }
        if (!committed)
            File.Delete(temporaryPath);
        s_unfinished.TryRemove(temporaryPath, out _);
    }

    /// <summary>Writes a whole file through <paramref name="write"/>; if that throws, nothing is left behind.</summary>
    /// <param name="path">The name under which the file shall appear.</param>
    /// <param name="write">Writes the content to the stream it is given.</param>
    /// <exception cref="IOException">See the constructor and <see cref="Commit"/>.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        using var file = new AtomicFile(path);
        write(file.Stream);
        file.Commit();
    }

    /// <summary>Writes a text file in UTF-8 without a byte order mark.</summary>
    /// <param name="path">The name under which the file shall appear.</param>
    /// <param name="text">The whole content.</param>
    /// <exception cref="IOException">See the constructor and <see cref="Commit"/>.</exception>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
